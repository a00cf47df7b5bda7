//! What an administrator does, by the command that administrators have.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use capfile::Pattern;
use clients::{Client, digest, edit};
use serde_json::{Value, json};

use crate::appliance::programs;
use crate::{Appliance, Request, until};

/// How long a change of the configuration may take to be in force, in the sense of a test.
const PATIENCE: Duration = Duration::from_secs(10);

impl Appliance {
    /// Runs `llmbasedos` for this appliance.
    pub fn admin(&self, words: &[&str]) -> Output {
        let mut command = Command::new(programs().join("llmbasedos"));
        command.args(words).arg("--config-dir").arg(self.state().join("config"));
        command.output().unwrap()
    }

    /// What `llmbasedos` prints for this appliance, where it does what it was asked.
    pub fn administer(&self, words: &[&str]) -> String {
        let output = self.admin(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Makes a client with these scopes, and waits until its key is good.
    pub fn client(&self, name: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().flat_map(|scope| ["--scope", scope]);
        let words: Vec<&str> = ["client", "add", name].into_iter().chain(scopes).collect();
        // Whoever tries the key until it is good has shown wrong ones.
        let before = self.rules();
        let key = self.administer(&words);
        until("the client", PATIENCE, || (self.rules() > before).then_some(()));
        assert_eq!(self.status_of(&key), 200);
        key
    }

    /// Makes this many clients that may do everything, in one change of the file of clients, and gives each one's name and key.
    pub fn clients(&self, count: usize) -> Vec<(String, String)> {
        let one = |at| (format!("client-{at}"), clients::new_key().unwrap());
        let all: Vec<(String, String)> = (0..count).map(one).collect();
        let before = self.rules();
        edit(&self.state().join("config/clients.yaml"), |file| {
            for (name, key) in &all {
                let client = Client::new(name.parse().unwrap(), vec![Pattern::all()]);
                file.clients.push(client.with_key(digest(key)));
            }
            Ok(())
        })
        .unwrap();
        until("the clients", PATIENCE, || (self.rules() > before).then_some(()));
        all
    }

    /// The HTTP status with which a key is met.
    pub fn status_of(&self, key: &str) -> u16 {
        Request::new(self.port(), key).legacy("ping", &json!({})).send().status
    }

    /// Puts the appliance into a tier, without a rate, and waits until that is in force.
    pub fn set_tier(&self, tier: &str) {
        let file = self.outside().join("new.lic");
        let file = file.to_str().unwrap();
        self.administer(&[
            "licence",
            "issue",
            "--tier",
            tier,
            "--holder",
            "a test",
            "--requests",
            "0",
            "--out",
            file,
        ]);
        self.administer(&["licence", "install", file]);
        until("the tier", PATIENCE, || (self.licence()["tier"] == tier).then_some(()));
    }

    /// The rows of the audit log that `audit search` finds by these words, as JSON.
    pub fn audit(&self, words: &[&str]) -> Vec<Value> {
        let words = [&["audit", "search", "--json"], words].concat();
        let rows = self.administer(&words);
        rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Puts a member into a client of the file of clients, and waits until that is in force.
    pub fn give(&self, client: &str, member: &str) {
        let path = self.state().join("config/clients.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let name = format!("name: {client}\n");
        assert!(text.contains(&name), "{text}");
        let before = self.rules();
        let new = path.with_extension("edited");
        fs::write(&new, text.replace(&name, &format!("{name}  {member}\n"))).unwrap();
        fs::rename(new, path).unwrap();
        until("the change", PATIENCE, || (self.rules() > before).then_some(()));
    }

    /// How often what is in force has changed.
    pub fn rules(&self) -> Option<u64> {
        self.request().method("GET").target("/readyz").send().json()["rules"].as_u64()
    }

    /// What `mcp.licence.check` answers.
    pub fn licence(&self) -> Value {
        use crate::{Door, End};
        let mut door = self.local(End::Nul);
        let call =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.licence.check", "params": [] });
        door.ask(&call)["result"].clone()
    }
}
