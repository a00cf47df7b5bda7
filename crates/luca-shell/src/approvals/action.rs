//! What can be done with calls that wait.

use crate::escape;
use crate::failure::Failure;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Show those that wait, or all.
    List { all: bool },
    /// Show one whole.
    Show { id: String },
    /// Approve it as it was asked for.
    Approve { id: String },
    /// Approve it with other arguments; without any, a person edits those that were asked for.
    Edit { id: String, arguments: Option<String> },
    /// Deny it.
    Deny { id: String, reason: Option<String> },
    /// Deny all that waits of one client.
    DenyAll { client: String, reason: Option<String> },
    /// Approve it and its like.
    Always { id: String, folder: Option<String> },
    /// Show what needs no answer.
    Standing,
    /// Ask again for what needed no answer.
    Forget { id: String },
}

/// Each with what it does, for `help` and completion. The first is what is done where none is named.
pub(crate) const ACTIONS: [(&str, &str); 10] = [
    ("", "List the calls that wait, as `approvals list` does"),
    ("all", "List those that no longer wait, too"),
    ("show ID", "Show one whole, with its arguments"),
    ("approve ID", "Let it be made, once"),
    ("edit ID [JSON]", "Let it be made with other arguments, which you edit or give"),
    ("deny ID [REASON]", "Do not let it be made, and tell its client why"),
    ("deny-all CLIENT [REASON]", "Deny every call of a client that waits"),
    (
        "always ID [FOLDER]",
        "Let it and its like be made from now on, beneath a folder or everywhere",
    ),
    ("standing", "List what needs no answer any more"),
    ("forget ID", "Ask for it again from now on; the ID is one of `approvals standing`"),
];

impl Action {
    /// What the words behind `approvals` mean.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let Some(name) = words.next() else { return Ok(Self::List { all: false }) };
        let mut id = || words.next().ok_or_else(|| wrong(&name));
        let action = match name.as_str() {
            "list" => Self::List { all: false },
            "all" => Self::List { all: true },
            "standing" => Self::Standing,
            "show" => Self::Show { id: id()? },
            "approve" => Self::Approve { id: id()? },
            "forget" => Self::Forget { id: id()? },
            "edit" => Self::Edit { id: id()?, arguments: words.next() },
            "always" => Self::Always { id: id()?, folder: words.next() },
            // A reason is a sentence, and needs no quotes.
            "deny" | "deny-all" => {
                let id = id()?;
                let reason = words.by_ref().collect::<Vec<_>>().join(" ");
                let reason = Some(reason).filter(|reason| !reason.is_empty());
                if name == "deny" {
                    Self::Deny { id, reason }
                } else {
                    Self::DenyAll { client: id, reason }
                }
            }
            _ => return Err(wrong(&name)),
        };
        if words.next().is_some() { Err(wrong(&name)) } else { Ok(action) }
    }

    /// The question to ask a person before it is done, if there is one.
    pub(crate) fn question(&self) -> Option<String> {
        let Self::Always { id, folder } = self else { return None };
        let id = escape::line(id);
        let place = match folder {
            Some(folder) => format!("beneath {}", escape::line(folder)),
            None => "with any arguments".to_owned(),
        };
        Some(format!("Let {id} be made, and its like {place} without asking from now on?"))
    }
}

fn wrong(name: &str) -> Failure {
    let of_this = ACTIONS.iter().find(|(usage, _)| usage.split(' ').next() == Some(name));
    if let Some((usage, _)) = of_this.filter(|_| !name.is_empty()) {
        return Failure::Usage(format!("use it as `approvals {usage}`"));
    }
    let name = escape::line(name);
    Failure::Usage(format!("`approvals {name}` is nothing: `help approvals` lists what there is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Action, String> {
        let words = line.split_whitespace().map(str::to_owned);
        Action::read(words).map_err(|failure| failure.to_string())
    }

    #[test]
    fn each_action_takes_its_words() {
        let id = || "a2".to_owned();
        assert_eq!(read(""), Ok(Action::List { all: false }));
        assert_eq!(read("list"), Ok(Action::List { all: false }));
        assert_eq!(read("all"), Ok(Action::List { all: true }));
        assert_eq!(read("show a2"), Ok(Action::Show { id: id() }));
        assert_eq!(read("approve a2"), Ok(Action::Approve { id: id() }));
        assert_eq!(read("edit a2"), Ok(Action::Edit { id: id(), arguments: None }));
        assert_eq!(read("edit a2 {}"), Ok(Action::Edit { id: id(), arguments: Some("{}".into()) }));
        assert_eq!(read("deny a2"), Ok(Action::Deny { id: id(), reason: None }));
        let reason = Some("not to him".to_owned());
        assert_eq!(read("deny a2 not to him"), Ok(Action::Deny { id: id(), reason }));
        let reason = Some("enough".to_owned());
        assert_eq!(read("deny-all a2 enough"), Ok(Action::DenyAll { client: id(), reason }));
        assert_eq!(read("always a2"), Ok(Action::Always { id: id(), folder: None }));
        let folder = Some("/notes".to_owned());
        assert_eq!(read("always a2 /notes"), Ok(Action::Always { id: id(), folder }));
        assert_eq!(read("standing"), Ok(Action::Standing));
        assert_eq!(read("forget a2"), Ok(Action::Forget { id: id() }));
    }

    #[test]
    fn a_wrong_use_says_the_right_one() {
        for (line, right) in [
            ("approve", "`approvals approve ID`"),
            ("approve a b", "`approvals approve ID`"),
            ("edit a {} {}", "`approvals edit ID [JSON]`"),
            ("standing a", "`approvals standing`"),
            ("burn\u{1b}", "`approvals burn\\u{1b}` is nothing: `help approvals`"),
        ] {
            let told = read(line).unwrap_err();
            assert!(told.contains(right), "{line}: {told}");
        }
    }

    #[test]
    fn what_holds_from_now_on_is_asked_twice() {
        let question = |line| read(line).unwrap().question();
        assert!(question("always a /no\u{202e}tes").unwrap().contains("/no\\u{202e}tes"));
        assert!(question("always a").unwrap().contains("with any arguments"));
        assert_eq!(question("approve a"), None);
    }
}
