//! The database file moved away, removed or replaced under a running server: it must not go on in a file that the command
//! line does not see (R-30, R-58).

use super::{Site, registration};

#[test]
fn a_server_without_its_file_refuses_until_it_is_back() {
    let site = Site::new();
    let ann = site.somebody("ann@example.com", &[]);
    assert_eq!(ann.get("/me/").status, 200);
    let (here, away) = (site.app.folder.path().join("authsrv.db"), site.app.folder.path().join("away.db"));
    std::fs::rename(&here, &away).unwrap();
    let refuses = |about: &str| {
        for _ in 0..20 {
            let answers = [
                ann.get("/me/"),
                site.server.anonymous().post("/register/", registration("eve@example.com")),
                site.server.anonymous().get("/readyz/"),
            ];
            for answer in answers {
                assert_eq!(answer.status, 503, "{about}: {answer:?}");
                assert!(answer.header("retry-after").is_some(), "{about}: {answer:?}");
            }
        }
    };
    refuses("removed");
    assert!(!here.exists(), "and makes no other");
    std::fs::copy(&away, &here).unwrap();
    refuses("replaced");
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(ann.get("/me/").status, 200);
}
