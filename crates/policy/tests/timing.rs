//! What a decision costs.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

mod appliance;

use std::hint::black_box;
use std::time::{Duration, Instant};

use appliance::{inputs, key, patterns, question, tool};
use capfile::{Effect, TargetKind};
use policy::{Client, File, Policies, Question};
use serde_json::json;

/// How often each is asked: the median of so many is steady.
const ASKED: usize = 4001;
/// How much slower than its goal a decision may be here, where other programs run beside.
const SLACK: u32 = 4;

/// 40 methods, 20 clients and 60 rules of the owner's, of which two thirds look at what is asked.
fn large() -> Policies {
    let mut inputs = inputs(&[]);
    let text = json!({ "type": "string" });
    while inputs.tools.len() < 40 {
        let name = format!("mcp.more.tool{}", inputs.tools.len());
        let properties = json!({ "path": text, "text": text, "count": { "type": "integer" } });
        inputs.tools.push(tool(
            &name,
            &[Effect::ReadOnly],
            &[(TargetKind::Path, "path")],
            &properties,
            &[],
        ));
    }
    while inputs.clients.len() < 20 {
        let name = format!("client{}", inputs.clients.len());
        inputs.clients.push(Client { name, scopes: patterns(&["*"]) });
    }
    let rules: Vec<String> = (0..60)
        .map(|at| match at % 6 {
            0 => format!(r#"forbid (principal, action in Action::"server:fs", resource in Path::"/private/{at}");"#),
            1 => format!(r#"forbid (principal, action in Action::"server:fs", resource) when {{ context.hour > 22 && resource in Path::"/jobs/{at}" }};"#),
            2 => format!(r#"forbid (principal == Client::"client{at}", action in Action::"server:fs", resource in Path::"/a");"#),
            3 => format!(r#"forbid (principal, action == Action::"mcp.mail.send", resource in Domain::"x{at}.example");"#),
            4 => format!(r#"permit (principal == Client::"claude", action == Action::"mcp.fs.read", resource in Path::"/shared/{at}");"#),
            _ => format!(r#"forbid (principal, action == Action::"mcp.fs.read", resource) when {{ context.arguments.path like "/x{at}/*" }};"#),
        })
        .collect();
    inputs.files = vec![File { name: "own.cedar".to_owned(), text: rules.join("\n") }];
    Policies::build(&inputs).unwrap()
}

fn median(policies: &Policies, question: &Question<'_>) -> Duration {
    let mut times: Vec<Duration> = (0..ASKED)
        .map(|_| {
            let start = Instant::now();
            black_box(policies.decide(black_box(question)));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[ASKED / 2]
}

#[test]
fn timing_a_decision_is_quick() {
    let start = Instant::now();
    let policies = large();
    println!("built in {:?}", start.elapsed());
    let read = r#"{"path":"/notes/2026/november/30/a.md"}"#;
    let send = r#"{"account":"home","to":["a@b.example","c@d.example","e@f.example"],"subject":"s","body":"b"}"#;
    let within = |goal: Duration, what: &str, question: Question<'_>| {
        let took = median(&policies, &question);
        println!("{what}: {took:?}, goal {goal:?}");
        if !cfg!(debug_assertions) {
            assert!(took < goal * SLACK, "{what} took {took:?}, and {goal:?} is the goal");
        }
    };
    let (known, each) = (Duration::from_micros(2), Duration::from_micros(50));
    within(known, "remembered", question("mcp.mail.search", "{}"));
    within(
        known,
        "remembered, client without scopes",
        Question { principal: key("reader"), ..question("mcp.web.fetch", "{}") },
    );
    within(each, "a path, 50 rules", question("mcp.fs.read", read));
    within(each, "a path, 30 rules", question("mcp.fs.list", read));
    within(each, "a mail to three, 10 rules", question("mcp.mail.send", send));
}
