//! From the words of a direct call to its parameters.
//!
//! Three ways to write them, of which the first two are those of the shells of old:
//!
//! | written | parameters |
//! |---|---|
//! | `mcp.fs.read /a.txt text` | each word is one, by position |
//! | `mcp.fs.read ["/a.txt"]`, `mcp.fs.read {"path": "/a.txt"}` | the one word is all of them |
//! | `mcp.fs.read --path /a.txt --encoding=base64` | by name; words without a name fill the positions |

use serde_json::{Map, Value};

use crate::catalogue::{Method, Parameter};
use crate::failure::Failure;
use crate::line::{Form, Word};
use crate::path;

/// The parameter that holds a virtual path.
const PATH: &str = "path";

/// What the methods of the file server begin with.
const FILES: &str = "mcp.fs.";

/// The parameters of a call of `name`; `method` is what is known of it.
pub(crate) fn params(
    name: &str,
    method: Option<&Method>,
    words: &[Word],
    cwd: &str,
) -> Result<Value, Failure> {
    let mut params = match words {
        [only] if let Some(all) = all_in_one(only) => all,
        words => word_by_word(name, method, words)?,
    };
    if name.starts_with(FILES) {
        complete_path(&mut params, method, cwd);
    }
    Ok(params)
}

/// The value of a word that is an array or an object.
fn all_in_one(word: &Word) -> Option<Value> {
    serde_json::from_str(&word.text)
        .ok()
        .filter(|value: &Value| value.is_array() || value.is_object())
}

fn word_by_word(name: &str, method: Option<&Method>, words: &[Word]) -> Result<Value, Failure> {
    let known = method.and_then(|method| method.parameters.as_deref());
    let (mut plain, mut flags) = (Vec::new(), Map::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match flag(word) {
            None => plain.push(word),
            // Everything behind `--` is an argument, whatever it begins with.
            Some(("", None)) => plain.extend(words.by_ref()),
            Some((flag, value)) => {
                let parameter =
                    method.and_then(|method| method.parameter(flag)).ok_or_else(|| {
                        let shown = crate::escape::line(flag);
                        usage(name, &format!("it has no parameter `{shown}`"))
                    })?;
                let value = match value {
                    Some(value) => value_of(value, Some(parameter)),
                    None if parameter.takes("boolean") => Value::Bool(true),
                    None => {
                        let word = words.next();
                        let word =
                            word.ok_or_else(|| usage(name, &format!("`--{flag}` needs a value")))?;
                        value_of(&word.text, Some(parameter))
                    }
                };
                if flags.insert(flag.to_owned(), value).is_some() {
                    return Err(usage(name, &format!("`--{flag}` stands twice")));
                }
            }
        }
    }
    if let Some(known) = known.filter(|known| plain.len() > known.len()) {
        return Err(usage(name, &format!("it takes {} arguments at most", known.len())));
    }
    let values = plain
        .iter()
        .enumerate()
        .map(|(at, word)| value_of(&word.text, known.and_then(|known| known.get(at))));
    if flags.is_empty() {
        return Ok(Value::Array(values.collect()));
    }
    for (parameter, value) in known.into_iter().flatten().zip(values) {
        let parameter = parameter.name.clone().unwrap_or_default();
        if flags.contains_key(&parameter) {
            return Err(usage(name, &format!("`{parameter}` is given by name and by position")));
        }
        flags.insert(parameter, value);
    }
    Ok(Value::Object(flags))
}

/// Name and value of a word such as `--name` and `--name=value`.
fn flag(word: &Word) -> Option<(&str, Option<&str>)> {
    let flag = word.text.strip_prefix("--").filter(|_| word.form != Form::Json)?;
    Some(match flag.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (flag, None),
    })
}

/// What a word means: JSON if it is JSON, else a string. Where only a string may stand, `5` is one too.
fn value_of(word: &str, parameter: Option<&Parameter>) -> Value {
    let value = serde_json::from_str(word).ok();
    let value = match parameter {
        Some(parameter) if parameter.is_text() => value.filter(|value: &Value| {
            value.is_string() || (value.is_null() && parameter.takes("null"))
        }),
        _ => value,
    };
    value.unwrap_or_else(|| word.into())
}

/// Makes the path absolute; a required one that is left out is the folder that the person is in.
fn complete_path(params: &mut Value, method: Option<&Method>, cwd: &str) {
    let known = method.and_then(|method| method.parameters.as_deref()).unwrap_or_default();
    let at = known.iter().position(|parameter| parameter.name.as_deref() == Some(PATH));
    // Servers of old do not name their parameters; all file methods but one begin with the path.
    let unnamed = known.iter().all(|parameter| parameter.name.is_none());
    let Some(at) = at.or((unnamed && !known.is_empty()).then_some(0)) else { return };
    let lists = method.is_some_and(|method| method.name == crate::shell::FS_LIST);
    match params {
        Value::Array(values) => match values.get_mut(at) {
            Some(Value::String(path)) => *path = path::resolve(cwd, path),
            None if at == 0 && lists => values.push(cwd.into()),
            _ => {}
        },
        Value::Object(members) => match members.get_mut(PATH) {
            Some(Value::String(path)) => *path = path::resolve(cwd, path),
            None if lists => drop(members.insert(PATH.to_owned(), cwd.into())),
            _ => {}
        },
        _ => {}
    }
}

fn usage(name: &str, what: &str) -> Failure {
    let name = crate::escape::line(name);
    Failure::Usage(format!("`{name}`: {what}; `help {name}` shows its parameters"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::tests::example;
    use crate::line::parse_line;

    fn params_of(line: &str) -> Result<Value, String> {
        let words = parse_line(line).unwrap();
        let (name, words) = words.split_first().unwrap();
        let catalogue = example();
        params(&name.text, catalogue.method(&name.text), words, "/home")
            .map_err(|failure| failure.to_string())
    }

    #[track_caller]
    fn check(line: &str, expected: Value) {
        assert_eq!(params_of(line), Ok(expected), "{line}");
    }

    #[track_caller]
    fn refuse(line: &str, reason: &str) {
        let error = params_of(line).unwrap_err();
        assert!(error.contains(reason), "{line}: {error}");
    }

    #[test]
    fn each_word_is_json_or_a_string() {
        check(
            r#"mcp.x.y 5 true null text "two words" 1.5 '"5"' -1"#,
            json!([5, true, null, "text", "two words", 1.5, "5", -1]),
        );
        check("mcp.x.y", json!([]));
        check(r#"mcp.x.y a [1] {"b":2}"#, json!(["a", [1], { "b": 2 }]));
    }

    #[test]
    fn one_array_or_object_is_all_parameters() {
        check(r#"mcp.x.y ["/a b", 1]"#, json!(["/a b", 1]));
        check(r#"mcp.x.y {"a": 1}"#, json!({ "a": 1 }));
        check(r#"mcp.x.y '{"a": 1}'"#, json!({ "a": 1 }));
        check("mcp.x.y [[1]]", json!([[1]]));
    }

    #[test]
    fn a_string_stays_one_where_only_a_string_may_stand() {
        check("mcp.fs.read 5", json!(["/home/5"]));
        check(r#"mcp.fs.read '"a"'"#, json!(["/home/a"]));
        check("mcp.old.add 5 up", json!([5, "up"]));
    }

    #[test]
    fn flags_go_by_name() {
        check(
            "mcp.fs.read --path /a.txt --encoding=base64",
            json!({
                "path": "/a.txt", "encoding": "base64"
            }),
        );
        check(
            "mcp.fs.read a --follow --limit 3",
            json!({
                "follow": true, "limit": 3, "path": "/home/a"
            }),
        );
        check("mcp.fs.read a --follow=false", json!({ "follow": false, "path": "/home/a" }));
        check("mcp.fs.read -- --a", json!(["/home/--a"]));
        refuse("mcp.fs.read --nope 1", "no parameter `nope`");
        refuse("mcp.fs.read --path", "`--path` needs a value");
        refuse("mcp.fs.read --path a --path b", "twice");
        refuse("mcp.fs.read a --path b", "by name and by position");
        refuse("mcp.fs.read 1 2 3 4 5", "4 arguments at most");
        refuse("mcp.hello 1", "0 arguments at most");
        refuse("mcp.x.y --a 1", "no parameter `a`");
    }

    #[test]
    fn paths_of_the_file_server_are_made_absolute() {
        check("mcp.fs.read a/../b", json!(["/home/b"]));
        check(r#"mcp.fs.read ["b"]"#, json!(["/home/b"]));
        check(r#"mcp.fs.read {"path": "b"}"#, json!({ "path": "/home/b" }));
        check("mcp.fs.list", json!(["/home"]));
        check("mcp.fs.read", json!([]));
        check("mcp.x.y a", json!(["a"]));
    }
}
