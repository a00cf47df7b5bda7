//! Asking the client: what is asked, and the tools that ask.
//!
//! A modern server sends no requests. It answers that input is required, and the client sends the same call again, with
//! its answers and the state that it was given.

use mcp_wire::RpcError;
use serde_json::{Map, Value, json};

use crate::call::{Call, invalid};
use crate::content;
use crate::seal::Seal;

/// Something that a client is asked.
pub(crate) struct Ask {
    /// What a client must declare to be asked.
    capability: &'static str,
    request: Value,
}

impl Ask {
    /// Asks a person to fill a form.
    fn form(message: &str, properties: &Value) -> Self {
        let required: Vec<&String> =
            properties.as_object().map(|members| members.keys().collect()).unwrap_or_default();
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        let params = json!({ "mode": "form", "message": message, "requestedSchema": schema });
        let request = json!({ "method": "elicitation/create", "params": params });
        Self { capability: "elicitation", request }
    }

    /// Asks a person for one text.
    pub(crate) fn text(message: &str, field: &str) -> Self {
        Self::form(message, &json!({ field: { "type": "string" } }))
    }

    /// Asks a person to confirm.
    fn confirmation() -> Self {
        Self::form("Please confirm", &json!({ "ok": { "type": "boolean" } }))
    }

    /// Asks the model of the client.
    fn sampling(prompt: &str, max_tokens: u32) -> Self {
        let message = json!({ "role": "user", "content": content::text(prompt) });
        let params = json!({ "messages": [message], "maxTokens": max_tokens });
        let request = json!({ "method": "sampling/createMessage", "params": params });
        Self { capability: "sampling", request }
    }

    /// Asks the client for its folders.
    fn roots() -> Self {
        Self { capability: "roots", request: json!({ "method": "roots/list", "params": {} }) }
    }
}

/// How far the asking has come.
pub(crate) enum Round {
    /// The result that asks for what is missing.
    Asked(Value),
    /// The answers, in the order of what was asked.
    Answered(Vec<Value>),
}

impl Round {
    /// Asks for what is not answered yet. Answers to what was not asked are passed over.
    pub(crate) fn of(call: &Call, asked: &[(&str, Ask)]) -> Result<Self, RpcError> {
        asked.iter().try_for_each(|(_, ask)| call.needs(ask.capability))?;
        let given = call.answers()?;
        let answer = |key: &str| given.and_then(|given| given.get(key));
        if asked.iter().any(|(key, _)| answer(key).is_some_and(|answer| !answer.is_object())) {
            return Err(invalid("an answer among `inputResponses` must be an object"));
        }
        let missing: Map<String, Value> = asked
            .iter()
            .filter(|(key, _)| answer(key).is_none())
            .map(|(key, ask)| ((*key).to_owned(), ask.request.clone()))
            .collect();
        if missing.is_empty() {
            return Ok(Self::Answered(
                asked.iter().filter_map(|(key, _)| answer(key)).cloned().collect(),
            ));
        }
        Ok(Self::Asked(json!({ "resultType": "input_required", "inputRequests": missing })))
    }

    /// The result: the answers as text, or what is asked with the state that the client is to carry.
    fn finish(self, state: Option<String>, words: &str) -> Value {
        match (self, state) {
            (Self::Answered(answers), _) => {
                content::result(&[content::text(format!("{words}{}", shown(&answers)))])
            }
            (Self::Asked(mut result), Some(state)) => {
                result["requestState"] = state.into();
                result
            }
            (Self::Asked(result), None) => result,
        }
    }
}

/// Answers as text: what a person filled in or why not, what a model said, or which folders there are.
pub(crate) fn shown(answers: &[Value]) -> String {
    let show = |answer: &Value| match (answer["action"].as_str(), answer["roots"].as_array()) {
        (Some(action), _) => format!("action={action}, content={}", answer["content"]),
        (None, Some(roots)) => {
            let uris: Vec<&str> = roots.iter().filter_map(|root| root["uri"].as_str()).collect();
            uris.join(" ")
        }
        (None, None) => answer["content"]["text"].as_str().unwrap_or_default().to_owned(),
    };
    answers.iter().map(show).collect::<Vec<_>>().join("; ")
}

/// Calls one of the tools that ask. `None`: it is none of these.
pub(crate) fn call(name: &str, call: &Call, seal: &Seal) -> Option<Result<Value, RpcError>> {
    let one = |key: &str, ask: Ask, words: &str| {
        Round::of(call, &[(key, ask)]).map(|round| round.finish(None, words))
    };
    Some(match name {
        "test_sampling" => call
            .text_argument("prompt")
            .and_then(|prompt| one("sample", Ask::sampling(prompt, 100), "LLM response: ")),
        "test_elicitation" => call
            .text_argument("message")
            .and_then(|message| one("user", Ask::form(message, &contact()), "User response: ")),
        "test_elicitation_sep1034_defaults" => {
            one("form", Ask::form("Please check these", &defaults()), "Elicitation completed: ")
        }
        "test_elicitation_sep1330_enums" => {
            one("form", Ask::form("Please choose", &choices()), "Elicitation completed: ")
        }
        "test_streaming_elicitation" => {
            one("user_name", Ask::text("What is your name?", "name"), "Hello: ")
        }
        "test_input_required_result_elicitation" => greet(call),
        "test_input_required_result_sampling" => one(
            "capital_question",
            Ask::sampling("What is the capital of France?", 100),
            "The model says: ",
        ),
        "test_input_required_result_list_roots" => one("client_roots", Ask::roots(), "Folders: "),
        "test_input_required_result_request_state"
        | "test_input_required_result_tampered_state" => {
            one_with_state(name, call, seal, &[("confirm", Ask::confirmation())])
        }
        "test_input_required_result_multiple_inputs" => {
            let asked = [
                ("user_name", Ask::text("What is your name?", "name")),
                ("greeting", Ask::sampling("Generate a greeting", 50)),
                ("client_roots", Ask::roots()),
            ];
            one_with_state(name, call, seal, &asked)
        }
        "test_input_required_result_multi_round" => two_rounds(name, call, seal),
        "test_input_required_result_capabilities" => by_capability(call),
        _ => return None,
    })
}

fn greet(call: &Call) -> Result<Value, RpcError> {
    let asked = [("user_name", Ask::text("What is your name?", "name"))];
    Ok(match Round::of(call, &asked)? {
        Round::Answered(answers) => {
            let name = answers.iter().find_map(|answer| answer["content"]["name"].as_str());
            let text = name.map_or_else(|| shown(&answers), |name| format!("Hello, {name}!"));
            content::result(&[content::text(text)])
        }
        asked @ Round::Asked(_) => asked.finish(None, ""),
    })
}

/// Asks with a state. Answers count only with the state that was given out for this tool.
fn one_with_state(
    name: &str,
    call: &Call,
    seal: &Seal,
    asked: &[(&str, Ask)],
) -> Result<Value, RpcError> {
    let state = seal.open(call)?;
    if call.answers()?.is_some() && state != Some(name) {
        return Err(invalid("`requestState` of this tool must come with the answers"));
    }
    Ok(Round::of(call, asked)?.finish(Some(seal.seal(name)), "state-ok: "))
}

/// Asks twice; the state says which round it is.
fn two_rounds(name: &str, call: &Call, seal: &Seal) -> Result<Value, RpcError> {
    let [first, second] = ["first", "second"].map(|round| format!("{name} {round}"));
    let name_asked = [("step1", Ask::text("Step 1: What is your name?", "name"))];
    let color_asked = [("step2", Ask::text("Step 2: What is your favorite color?", "color"))];
    let state = seal.open(call)?;
    if state == Some(&second) {
        return Ok(Round::of(call, &color_asked)?.finish(Some(seal.seal(&second)), "Done: "));
    }
    if call.answers()?.is_some() && state != Some(&first) {
        return Err(invalid("`requestState` of this tool must come with the answers"));
    }
    match Round::of(call, &name_asked)? {
        Round::Answered(_) => {
            Ok(Round::of(call, &color_asked)?.finish(Some(seal.seal(&second)), ""))
        }
        asked @ Round::Asked(_) => Ok(asked.finish(Some(seal.seal(&first)), "")),
    }
}

/// Asks only what the client can be asked.
fn by_capability(call: &Call) -> Result<Value, RpcError> {
    let all = [
        ("user_name", Ask::text("What is your name?", "name")),
        ("greeting", Ask::sampling("Generate a greeting", 50)),
        ("client_roots", Ask::roots()),
    ];
    let asked: Vec<_> = all.into_iter().filter(|(_, ask)| call.can(ask.capability)).collect();
    Round::of(call, &asked).map(|round| round.finish(None, "Asked what can be asked: "))
}

fn contact() -> Value {
    json!({
        "username": { "type": "string", "description": "User's response" },
        "email": { "type": "string", "description": "User's email address" },
    })
}

/// A form with a default of every kind (SEP-1034).
fn defaults() -> Value {
    json!({
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": {
            "type": "string", "enum": ["active", "inactive", "pending"], "default": "active",
        },
        "verified": { "type": "boolean", "default": true },
    })
}

/// A form with every kind of choice (SEP-1330).
fn choices() -> Value {
    let titled = |words: [(&str, &str); 3]| {
        words.map(|(value, title)| json!({ "const": value, "title": title })).to_vec()
    };
    let options = ["option1", "option2", "option3"];
    let single =
        [("value1", "First Option"), ("value2", "Second Option"), ("value3", "Third Option")];
    let multi =
        [("value1", "First Choice"), ("value2", "Second Choice"), ("value3", "Third Choice")];
    json!({
        "untitledSingle": { "type": "string", "enum": options },
        "titledSingle": { "type": "string", "oneOf": titled(single) },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": options } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled(multi) } },
    })
}
