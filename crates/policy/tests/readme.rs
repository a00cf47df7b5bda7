//! The examples that the README shows, as they stand there.

mod appliance;

use appliance::{ALLOW, DENY, HOST, MOMENT, PERSON, after_a_mail, check, inputs, question};
use policy::{Moment, Policies, Question};

/// No client reads or changes anything in this folder.
const FOLDER: &str = r#"@id("private")
forbid (principal, action, resource in Path::"/private")
unless { principal in Kind::"person" };
"#;

/// Mail to the own company goes out unasked, once no text of strangers was read.
const MAIL: &str = r#"@id("colleagues")
@ask("never")
permit (principal == Client::"claude", action == Action::"mcp.mail.send", resource in Domain::"example.org");
@id("account")
@ask("never")
permit (principal == Client::"claude", action == Action::"mcp.mail.send", resource == Account::"work");
"#;

/// At night the host is asked before anything changes.
const NIGHT: &str = r#"@id("night")
@ask("host")
forbid (principal in Kind::"key", action in Action::"effect:changes", resource)
when { context.hour < 7 || context.hour >= 22 };
"#;

/// Only this backup is ever run.
const BACKUP: &str = r#"@id("only-nas")
forbid (principal, action == Action::"mcp.sync.run", resource)
unless { resource in Remote::"nas" };
"#;

#[test]
fn the_readme_shows_these_examples() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let blocks = readme.split("```cedar\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    assert_eq!(blocks.collect::<Vec<_>>(), [FOLDER, MAIL, NIGHT, BACKUP]);
}

#[test]
fn the_examples_of_the_readme_do_what_it_says() {
    let files = [
        ("folder.cedar", FOLDER),
        ("mail.cedar", MAIL),
        ("night.cedar", NIGHT),
        ("backup.cedar", BACKUP),
    ];
    let policies = Policies::build(&inputs(&files)).unwrap();
    assert_eq!(policies.warnings(), []);
    let colleague = r#"{"account":"work","to":["Anna <anna@example.org>"]}"#;
    let leaves = "default:leaves_the_appliance";
    check(
        &policies,
        &[
            ("mcp.fs.read", r#"{"path":"/private/a"}"#, DENY, "folder.cedar:private"),
            ("mcp.fs.read", r#"{"path":"/public/a"}"#, ALLOW, "scopes:claude"),
            ("mcp.mail.send", colleague, ALLOW, "mail.cedar:account"),
            ("mcp.mail.send", r#"{"to":["anna@example.org"]}"#, ALLOW, "mail.cedar:colleagues"),
            ("mcp.mail.send", r#"{"account":"work","to":["x@other.example"]}"#, PERSON, leaves),
            ("mcp.sync.run", r#"{"remote":"nas:photos"}"#, PERSON, "default:cannot_be_undone"),
            ("mcp.sync.run", r#"{"remote":"cloud:"}"#, DENY, "backup.cedar:only-nas"),
        ],
    );
    let told = policies.decide(&after_a_mail("mcp.mail.send", colleague));
    assert_eq!((told.answer, &*told.rule), (PERSON, "default:untrusted"));
    let write = question("mcp.fs.write", r#"{"path":"/a","content":""}"#);
    let night = Question { moment: Moment { hour: 23, ..MOMENT }, ..write };
    assert_eq!(policies.decide(&write).answer, ALLOW);
    let asked = policies.decide(&night);
    assert_eq!((asked.answer, &*asked.rule), (HOST, "night.cedar:night"));
}
