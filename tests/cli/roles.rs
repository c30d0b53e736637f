//! `roles`, `resources`, `actions`: twice is as good as once, near misses are told.

use crate::support::shell::Shell;

#[test]
fn granting_and_revoking_twice_is_success() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("roles grant ann@example.com viewer").done().says("Granted viewer to ann@example.com.");
    shell.run("roles grant ann@example.com viewer").done().says("already");
    assert_eq!(shell.json("users show 1")["roles"], serde_json::json!(["viewer"]));
    assert_eq!(shell.json("roles revoke 1 viewer")["changed"], true);
    assert_eq!(shell.json("roles revoke 1 viewer")["changed"], false);
}

#[test]
fn near_misses_are_told() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let ran = shell.run("roles grant ann@example.com viewr").exits(1);
    ran.says("no role \"viewr\"; did you mean \"viewer\"?").says("`authsrv roles list` shows them all");
    shell.run("roles allow viewer document:read").exits(1).says("did you mean \"documents\"?");
    shell.run("roles allow viewer documents:rea").exits(1).says("did you mean \"read\"");
}

#[test]
fn permissions_are_given_and_taken() {
    let shell = Shell::new();
    let create = "roles create --name Editors --code-name editor --permission documents:read";
    shell.run(create).done().says("Created role editor.");
    shell.run(create).done().says("Already exists");
    shell.run("roles allow editor documents:read documents:update").done().says("documents:update now");
    shell.run("roles allow editor documents:read documents:update").done().says("documents:update already");
    assert_eq!(
        shell.json("roles show editor")["permissions"],
        serde_json::json!(["documents:read", "documents:update"])
    );
    let taken = shell.json("roles deny editor documents:update documents:delete");
    assert_eq!(taken["changed"], serde_json::json!(["documents:update"]));
    assert_eq!(taken["unchanged"], serde_json::json!(["documents:delete"]));
    shell.run("roles update editor --name Writers --code-name writer").done();
    shell.run("roles show editor").exits(1);
    shell.run("roles delete writer").exits(2).says("--yes");
    shell.run("roles delete writer -y").done();
}

#[test]
fn a_role_with_an_unknown_permission_is_not_made() {
    let shell = Shell::new();
    shell.run("roles create --name X --code-name x --permission documents:fly").exits(1).says("no action \"fly\"");
    shell.run("roles show x").exits(1);
}

#[test]
fn resources_and_actions_are_made_changed_and_deleted() {
    let shell = Shell::new();
    for (list, code) in [("resources", "books"), ("actions", "print")] {
        let create = format!("{list} create --name {code} --code-name {code} --description Things");
        shell.run(&create).done().says("Created");
        shell.run(&create).done().says("Already exists");
        shell.run(&format!("{list} create --name {code} --code-name {code}2")).exits(1);
        shell.run(&format!("{list} create --name X --code-name Ünsinn")).exits(2).says("--code-name: ");
        shell.run(&format!("{list} update {code} --description Others")).done();
        shell.run(&format!("{list} list --search {code} -o plain")).done().prints("Others");
        shell.run(&format!("{list} delete {code}")).exits(2).says("--yes");
        shell.run(&format!("{list} delete {code} --yes")).done();
    }
    shell.run("actions delete all --yes").exits(1).says("built in");
}
