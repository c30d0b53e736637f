//! `users`: made once, changed, kept out, deleted after a yes.

use crate::support::PASSWORD;
use crate::support::shell::Shell;

#[test]
fn what_exists_with_the_same_values_is_success() {
    let shell = Shell::new();
    let create = "users create --email ann@example.com --first-name Ann --role viewer --password-stdin";
    shell.pipe(create, PASSWORD).done().says("Created user ann@example.com.");
    shell.pipe(create, PASSWORD).done().says("Already exists");
    let other = shell.pipe(create, "another-Password-7").exits(1);
    other.says("already exists and differs in: password").says("`authsrv users set-password ann@example.com`");
    let other = "users create --email ann@example.com --first-name Anna --role admin --password-stdin";
    let other = shell.pipe(other, PASSWORD).exits(1).says("differs in: first name, roles");
    other.says("`authsrv users update ann@example.com --first-name Anna`").says("grant ann@example.com admin`");
    assert_eq!(shell.json("users list").as_array().unwrap().len(), 1);
}

#[test]
fn of_a_user_who_exists_only_what_is_named_is_compared() {
    let shell = Shell::new();
    let create = "users create --email ann@example.com --role viewer --password-stdin";
    shell.pipe(create, PASSWORD).done();
    shell.run("roles grant ann@example.com manager").done();
    shell.run("users update ann@example.com --last-name Lee --staff --phone +79991234567").done();
    let before = shell.json("users show 1");
    shell.pipe(create, PASSWORD).done().says("Already exists");
    shell.pipe("users create --email ANN@example.com --password-stdin", PASSWORD).done().says("Already exists");
    assert_eq!(shell.json("users show 1"), before);
}

#[test]
fn who_or_what_has_a_taken_name_is_told_with_a_command_that_works() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.user("bob@example.com");
    let told =
        shell.run("users update 2 --email ANN@example.com").exits(1).says("a user with this email already exists");
    told.says("`authsrv users show ann@example.com`");
    let told = shell.run("users update 2 --email bob@example.com --username ann@example.com").exits(1);
    told.says("`authsrv users show ann@example.com`");
    shell.run("actions create --code-name print --name Print").done();
    let told = shell.run("actions update print --name Read").exits(1).says("an action with this name already exists");
    told.says("`authsrv actions list --search read`");
    let told = shell.run_all(&["actions", "create", "--code-name", "print", "--name", "It's new"]).exits(1);
    told.says("the action print already exists and differs in: name").says("update print --name 'It'\\''s new'`");
    shell.paste(r"authsrv actions update print --name 'It'\''s new'").done();
    let told = shell.run("roles create --code-name look --name Viewer").exits(1);
    told.says("the role viewer already has the name \"Viewer\"").says("`authsrv roles show viewer`");
    let told = shell.run("roles create --code-name viewer --name Viewer --permission projects:delete").exits(1);
    told.says("`authsrv roles allow viewer projects:delete`");
}

#[test]
fn every_wrong_field_is_named_by_its_flag() {
    let shell = Shell::new();
    let ran = shell.pipe("users create --email ann --phone 12 --password-stdin", PASSWORD).exits(2);
    ran.says("--email: ").says("--phone: ");
    let long = format!("users create --email a@example.com --first-name {} --password-stdin", "a".repeat(151));
    shell.pipe(&long, PASSWORD).exits(2).says("--first-name: ");
    shell.pipe("users create --email a@example.com --password-stdin", "12345678").exits(2).says("password: ");
    shell.pipe("users create --email a@example.com --password-stdin", "").exits(2).says("nothing came");
    shell.pipe("users create --email a@example.com --role viewr --password-stdin", PASSWORD).exits(1).says("viewer");
    assert_eq!(shell.json("users list"), serde_json::json!([]));
}

#[test]
fn a_password_is_one_line_as_it_is() {
    let shell = Shell::new();
    let blanks = "  two blanks each side  ";
    shell.pipe("users create --email ann@example.com --password-stdin", &format!("{blanks}\r\nmore\n")).done();
    shell.pipe("users create --email ann@example.com --password-stdin", blanks).done().says("Already exists");
    shell.pipe("users create --email ann@example.com --password-stdin", blanks.trim()).exits(1);
}

#[test]
fn a_user_is_named_by_id_email_phone_or_username() {
    let shell = Shell::new();
    let create = "users create --email ann@example.com --phone +79991234567 --username ann --password-stdin";
    shell.pipe(create, PASSWORD).done();
    for name in ["1", "ann@example.com", "ANN@example.com", "+79991234567", "ann"] {
        assert_eq!(shell.json(&format!("users show {name}"))["id"], 1, "{name}");
    }
    shell.run("users show ann@exmaple.com").exits(1).says("did you mean \"ann@example.com\"");
    shell.run("users show 2").exits(1);
}

#[test]
fn fields_are_changed_and_emptied() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("users update 1 --first-name Ann --middle-name May --phone +79991234567 --staff").done();
    shell.run_all(&["users", "update", "1", "--phone", "", "--middle-name", " ", "--no-staff"]).done();
    shell.run_all(&["users", "update", "1", "--last-name", " Smith "]).done();
    let user = shell.json("users show 1");
    assert_eq!((&user["first_name"], &user["last_name"]), (&"Ann".into(), &"Smith".into()));
    assert!(user["phone"].is_null() && user["middle_name"].is_null());
    assert_eq!(user["is_staff"], false);
    shell.run("users update 1").exits(2).says("nothing to change");
    shell.run("users update 1 --force-logout-at tomorrow").exits(2).says("--force-logout-at: ");
    shell.run("users update 1 --force-logout-at 2024-07-13T17:24:33Z").done();
    assert_eq!(shell.json("users show 1")["force_logout_at"], "2024-07-13T17:24:33Z");
    shell.run_all(&["users", "update", "1", "--force-logout-at", "2024-07-13 17:24:33.1234567"]).done();
    assert_eq!(shell.json("users show 1")["force_logout_at"], "2024-07-13T17:24:33.123456Z");
}

#[test]
fn activation_twice_is_as_good_as_once() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("users deactivate 1").done().says("is inactive now");
    shell.run("users deactivate 1").done().says("is inactive already");
    shell.run("users activate 1").done().says("is active now");
}

#[test]
fn deleting_needs_a_yes() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("users delete 1").exits(2).says("--yes");
    shell.run("users delete 1 --no-input").exits(2);
    shell.run("users delete 1 --yes").done().says("Deleted user ann@example.com.");
    shell.run("users delete 1 --yes").exits(1);
    shell.run("users delete ann@example.com --yes").exits(1);
}

#[test]
fn the_last_superuser_stays() {
    let shell = Shell::new();
    shell.pipe("createsuperuser --email root@example.com --password-stdin", PASSWORD).done();
    for words in
        ["users deactivate 1", "users delete 1 --yes", "users update 1 --no-superuser", "users update 1 --inactive"]
    {
        shell.run(words).exits(1).says("no active superuser");
    }
}

/// The bounds of the columns (S4-34, S4-43) hold at this door as they do over HTTP.
#[test]
fn overlong_names_are_refused() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    let (fits, long) = ("x".repeat(150), "x".repeat(151));
    shell.run(&format!("users update ann@example.com --first-name {fits}")).done();
    for flag in ["first-name", "last-name", "middle-name"] {
        let told = format!("error: --{flag}: Ensure this field has no more than 150 characters.");
        shell.run(&format!("users update ann@example.com --{flag} {long}")).exits(2).says(&told);
        let create = format!("users create --email bob@example.com --{flag} {long} --password-stdin");
        shell.pipe(&create, PASSWORD).exits(2).says(&told);
    }
    for noun in ["roles", "resources", "actions"] {
        let (name, text) = ("x".repeat(101), "x".repeat(2001));
        shell.run(&format!("{noun} create --code-name a --name {name}")).exits(2).says("--name: Ensure");
        shell
            .run(&format!("{noun} create --code-name a --name A --description {text}"))
            .exits(2)
            .says("--description:");
        shell.run(&format!("{noun} create --code-name a --name A")).done();
        shell.run(&format!("{noun} update a --name {name}")).exits(2).says("no more than 100 characters");
    }
}

#[test]
fn an_update_to_what_is_there_already_says_so() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    shell.run("users update 1 --first-name Ann").done().says("Updated user ann@example.com.");
    shell.run("users update 1 --first-name Ann").done().says("has these values already");
    shell.run("roles update viewer --name Looker").done().says("Updated role viewer.");
    shell.run("roles update viewer --name Looker").done().says("has these values already");
}

/// D-15: digits are an id; a username of digits is found where there is no such id.
#[test]
fn digits_are_an_id_before_they_are_a_username() {
    let shell = Shell::new();
    shell.user("ann@example.com");
    for name in ["1", "20240"] {
        shell.pipe(&format!("users create --username {name} --password-stdin"), PASSWORD).done();
    }
    assert_eq!(shell.json("users show 1")["email"], "ann@example.com");
    assert_eq!(shell.json("users show 20240")["id"], 3);
    shell.run("roles grant 20240 viewer").done();
    shell.run("users show 4711").exits(1);
}

/// As if registered: it waits for its mailed link, unless somebody decides in its place (R-32).
#[test]
fn an_account_is_made_to_wait() {
    let shell = Shell::new();
    let create = "users create --email ann@example.com --pending --password-stdin";
    shell.pipe(create, PASSWORD).done().says("Created user ann@example.com.");
    shell.pipe(create, PASSWORD).done().says("Already exists");
    let ann = shell.json("users show ann@example.com");
    assert_eq!((&ann["is_active"], &ann["pending"]), (&false.into(), &"registration".into()));
    assert_eq!(shell.json("users list")[0]["pending"], "registration");
    shell.run("users deactivate ann@example.com").done();
    let ann = shell.json("users show ann@example.com");
    assert_eq!((&ann["is_active"], ann["pending"].is_null()), (&false.into(), true));
    shell.run("users deactivate ann@example.com").done().says("is inactive already");
    shell.pipe(create, PASSWORD).done();
    shell.run("users activate ann@example.com").done();
    assert!(shell.json("users show ann@example.com")["pending"].is_null());
    shell.pipe(create, PASSWORD).exits(1).says("differs in: is active");
    shell.pipe("users create --email b@example.com --pending --superuser --password-stdin", PASSWORD).exits(2);
}
