//! The walk of a newcomer, without doors.

use std::time::Duration;

use authsrv::domain::error::{Error, Reason, TokenFault};
use authsrv::domain::pages::Listing;
use authsrv::service::{Ref, roles, tokens, users};

use crate::support::TestApp;

#[test]
fn rights_come_and_go_at_the_next_call() {
    let app = TestApp::new();
    let id = app.user("ann@example.com", &[]);
    let pair = app.sign_in("ann@example.com");
    let list =
        |access: &str| app.with_token(access, |ctx| users::list(ctx, &Listing { limit: 10, ..Listing::default() }));
    assert!(matches!(list(&pair.access), Err(Error::Forbidden(_))));
    app.operate(|ctx| roles::grant(ctx, id, &Ref::Code("viewer".into()))).unwrap();
    assert_eq!(list(&pair.access).unwrap().total, 1);
    let again = app.operate(|ctx| tokens::refresh(ctx, &pair.refresh)).unwrap();
    app.clock.advance(Duration::from_secs(3));
    assert_eq!(app.operate(|ctx| tokens::refresh(ctx, &pair.refresh)).unwrap().refresh, again.refresh);
    app.clock.advance(Duration::from_secs(11));
    let reused = app.operate(|ctx| tokens::refresh(ctx, &pair.refresh)).err().unwrap();
    assert!(matches!(reused, Error::Unauthenticated(Reason::Token(TokenFault::Reused))), "{reused}");
    assert!(app.authenticate(&again.access).is_err());
}
