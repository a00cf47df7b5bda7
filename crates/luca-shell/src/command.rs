//! The commands of the shell itself, and the direct call for everything else.

use crate::approvals::Action;
use crate::failure::Failure;
use crate::line::Word;

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// An empty line.
    Nothing,
    /// `ls`.
    List { path: Option<String> },
    /// `cd`.
    Enter { path: Option<String> },
    /// `pwd`.
    Where,
    /// `cat`.
    Show { path: String, encoding: Option<String> },
    /// `rm`.
    Remove { path: String, recursive: bool, force: bool },
    /// `help`.
    Help { topic: Option<String> },
    /// `licence`.
    Licence,
    /// `status`.
    Status,
    /// `key`.
    Key,
    /// `approvals`.
    Approvals(Action),
    /// `connect`.
    Connect,
    /// `exit`.
    Exit,
    /// Anything else.
    Call { method: String, arguments: Vec<Word> },
}

/// A command of the shell itself, as `help` and completion know it.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its arguments.
    pub(crate) arguments: &'static str,
    /// What it does.
    pub(crate) summary: &'static str,
    /// What its first argument is.
    pub(crate) first: First,
    /// Words that can stand anywhere behind it.
    pub(crate) flags: &'static [&'static str],
}

/// What the first argument of a command of the shell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// There is none.
    Nothing,
    /// A path.
    Path,
    /// A folder.
    Folder,
    /// A command or a method.
    Command,
    /// What to do with calls that wait, and behind it which.
    Approvals,
}

/// All of them, in the order of `help`.
pub(crate) const BUILT_INS: [BuiltIn; 14] = [
    built_in("ls", "[PATH]", "List a folder", First::Folder, &[]),
    built_in("dir", "[PATH]", "The same as `ls`", First::Folder, &[]),
    built_in("cd", "[PATH]", "Go to a folder; without a path to `/`", First::Folder, &[]),
    built_in("pwd", "", "Print the folder that you are in", First::Nothing, &[]),
    built_in("cat", "PATH [text|base64]", "Print a file", First::Path, &["text", "base64"]),
    built_in(
        "rm",
        "PATH [-r|--recursive] [-f|--force]",
        "Delete a file or folder for good",
        First::Path,
        &["--recursive", "--force"],
    ),
    built_in("help", "[COMMAND|METHOD]", "Explain commands and methods", First::Command, &[]),
    built_in("licence", "", "Show the licence", First::Nothing, &[]),
    built_in("status", "", "Say what is wrong and what to do about it", First::Nothing, &[]),
    built_in(
        "key",
        "",
        "Show the key that this machine made for its first client",
        First::Nothing,
        &[],
    ),
    built_in(
        "approvals",
        "[ACTION [ID ...]]",
        "Show and answer calls that wait for you",
        First::Approvals,
        &[],
    ),
    built_in("connect", "", "End the connection and make a new one", First::Nothing, &[]),
    built_in("exit", "", "Leave the shell, as Ctrl-D does", First::Nothing, &[]),
    built_in("quit", "", "The same as `exit`", First::Nothing, &[]),
];

const fn built_in(
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    first: First,
    flags: &'static [&'static str],
) -> BuiltIn {
    BuiltIn { name, arguments, summary, first, flags }
}

impl BuiltIn {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        BUILT_INS.iter().find(|built_in| built_in.name == name)
    }

    /// Name and arguments.
    pub(crate) fn usage(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

impl Command {
    /// The command that the words of a line are.
    pub(crate) fn read(words: Vec<Word>) -> Result<Self, Failure> {
        let mut words = words.into_iter();
        let Some(name) = words.next().map(|word| word.text) else { return Ok(Self::Nothing) };
        let Some(built_in) = BuiltIn::named(&name) else {
            if name.contains('.') {
                return Ok(Self::Call { method: name, arguments: words.collect() });
            }
            let name = crate::escape::line(&name);
            return Err(Failure::Usage(format!("no command `{name}`: `help` lists what there is")));
        };
        let mut given = Given::read(built_in, words)?;
        let command = match name.as_str() {
            "ls" | "dir" => Self::List { path: given.next() },
            "cd" => Self::Enter { path: given.next() },
            "pwd" => Self::Where,
            "cat" => {
                let path = given.required()?;
                let encoding = given.next();
                if encoding.as_ref().is_some_and(|name| !built_in.flags.contains(&name.as_str())) {
                    return Err(given.wrong());
                }
                Self::Show { path, encoding }
            }
            "rm" => {
                let path = given.required()?;
                Self::Remove { path, recursive: given.recursive, force: given.force }
            }
            "help" => Self::Help { topic: given.next() },
            "licence" => Self::Licence,
            "status" => Self::Status,
            "key" => Self::Key,
            "approvals" => return Action::read(given.plain).map(Self::Approvals),
            "connect" => Self::Connect,
            _ => Self::Exit,
        };
        given.end()?;
        Ok(command)
    }
}

/// The arguments of a command of the shell.
struct Given {
    built_in: &'static BuiltIn,
    plain: std::vec::IntoIter<String>,
    recursive: bool,
    force: bool,
}

impl Given {
    fn read(
        built_in: &'static BuiltIn,
        mut words: std::vec::IntoIter<Word>,
    ) -> Result<Self, Failure> {
        let takes_flags = built_in.flags.contains(&"--force");
        let mut plain = Vec::new();
        let (mut recursive, mut force) = (false, false);
        while let Some(word) = words.next().map(|word| word.text) {
            match word.as_str() {
                "--" => plain.extend(words.by_ref().map(|word| word.text)),
                "-r" | "--recursive" if takes_flags => recursive = true,
                "-f" | "--force" if takes_flags => force = true,
                "-rf" | "-fr" if takes_flags => (recursive, force) = (true, true),
                flag if flag.starts_with('-') && flag != "-" => {
                    let none = Vec::new().into_iter();
                    return Err(Self { built_in, plain: none, recursive, force }.wrong());
                }
                _ => plain.push(word),
            }
        }
        Ok(Self { built_in, plain: plain.into_iter(), recursive, force })
    }

    fn next(&mut self) -> Option<String> {
        self.plain.next()
    }

    fn required(&mut self) -> Result<String, Failure> {
        self.next().ok_or_else(|| self.wrong())
    }

    fn end(mut self) -> Result<(), Failure> {
        if self.next().is_some() { Err(self.wrong()) } else { Ok(()) }
    }

    fn wrong(&self) -> Failure {
        Failure::Usage(format!("use it as `{}`", self.built_in.usage()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::parse_line;

    fn read(line: &str) -> Result<Command, Failure> {
        Command::read(parse_line(line).unwrap())
    }

    #[track_caller]
    fn check(line: &str, expected: &Command) {
        assert_eq!(&read(line).unwrap(), expected, "{line}");
    }

    #[track_caller]
    fn refuse(line: &str, reason: &str) {
        let failure = read(line).unwrap_err();
        assert!(matches!(failure, Failure::Usage(_)), "{line}: {failure:?}");
        assert!(failure.to_string().contains(reason), "{line}: {failure}");
    }

    #[test]
    fn each_command_takes_its_arguments() {
        check("", &Command::Nothing);
        check("ls", &Command::List { path: None });
        check("dir 'a b'", &Command::List { path: Some("a b".into()) });
        check("cd ..", &Command::Enter { path: Some("..".into()) });
        check("pwd", &Command::Where);
        check("cat a", &Command::Show { path: "a".to_owned(), encoding: None });
        check(
            "cat a base64",
            &Command::Show { path: "a".to_owned(), encoding: Some("base64".into()) },
        );
        check("help ls", &Command::Help { topic: Some("ls".into()) });
        check("licence", &Command::Licence);
        check("status", &Command::Status);
        check("key", &Command::Key);
        check("connect", &Command::Connect);
        check("exit", &Command::Exit);
        check("quit", &Command::Exit);
    }

    #[test]
    fn rm_takes_its_flags_anywhere() {
        let check = |line, recursive, force| {
            check(line, &Command::Remove { path: "a".to_owned(), recursive, force });
        };
        check("rm a", false, false);
        check("rm -r a", true, false);
        check("rm a --force", false, true);
        check("rm --recursive -f a", true, true);
        check("rm -rf a", true, true);
        check("rm -- a", false, false);
        assert_eq!(
            read("rm -- -f").unwrap(),
            Command::Remove { path: "-f".to_owned(), recursive: false, force: false }
        );
    }

    #[test]
    fn a_wrong_use_says_the_right_one() {
        refuse("cat", "`cat PATH [text|base64]`");
        refuse("cat a hex", "`cat PATH [text|base64]`");
        refuse("ls a b", "`ls [PATH]`");
        refuse("ls -l", "`ls [PATH]`");
        refuse("rm -r", "`rm PATH");
        refuse("rm -x a", "`rm PATH");
        refuse("pwd a", "`pwd`");
        refuse("lss", "no command `lss`");
        refuse("'a\u{1b}'", "no command `a\\u{1b}`");
    }

    #[test]
    fn anything_else_is_a_call() {
        let Command::Call { method, arguments } = read("mcp.fs.read /a -r").unwrap() else {
            panic!("not a call");
        };
        assert_eq!(method, "mcp.fs.read");
        assert_eq!(arguments.len(), 2);
    }
}
