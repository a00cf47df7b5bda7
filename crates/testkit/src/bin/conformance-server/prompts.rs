//! Prompts.

use mcp_wire::RpcError;
use serde_json::{Value, json};

use crate::call::{Call, invalid};
use crate::content;
use crate::dispatch::Fixture;
use crate::inputs::{Ask, Round, shown};

/// The prompt that comes and goes.
pub(crate) const CHANGING: &str = "test_changing_prompt";

/// The prompts that are always there, and the one that comes and goes if it is there now.
pub(crate) fn declared(changing: bool) -> Value {
    let prompt = |name: &str, description: &str, arguments: &[(&str, &str)]| {
        let arguments: Vec<Value> = arguments
            .iter()
            .map(|(name, text)| json!({ "name": name, "description": text, "required": true }))
            .collect();
        json!({ "name": name, "title": description, "description": description, "arguments": arguments })
    };
    let mut prompts = vec![
        prompt("test_simple_prompt", "A prompt without arguments", &[]),
        prompt(
            "test_prompt_with_arguments",
            "A prompt with two arguments",
            &[("arg1", "The first argument"), ("arg2", "The second argument")],
        ),
        prompt(
            "test_prompt_with_embedded_resource",
            "A prompt that carries a resource",
            &[("resourceUri", "The URI of the resource")],
        ),
        prompt("test_prompt_with_image", "A prompt that carries a picture", &[]),
        prompt("test_input_required_result_prompt", "A prompt that asks for its context", &[]),
    ];
    if changing {
        prompts.push(prompt(CHANGING, "A prompt that comes and goes", &[]));
    }
    Value::Array(prompts)
}

/// `prompts/get`.
pub(crate) fn get(fixture: &Fixture, call: &Call) -> Result<Value, RpcError> {
    let name = call.text("name")?;
    let messages = match name {
        "test_simple_prompt" => vec![content::text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let [first, second] = [call.text_argument("arg1")?, call.text_argument("arg2")?];
            let text = format!("Prompt with arguments: arg1='{first}', arg2='{second}'");
            vec![content::text(text)]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = call.text_argument("resourceUri")?;
            let text = "Embedded resource content for testing.";
            let resource = content::resource(uri, "text/plain", text);
            vec![resource, content::text("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => {
            vec![content::image(), content::text("Please analyze the image above.")]
        }
        "test_input_required_result_prompt" => {
            let question = "What context should the prompt use?";
            let asked = [("user_context", Ask::text(question, "context"))];
            match Round::of(call, &asked)? {
                Round::Asked(result) => return Ok(result),
                Round::Answered(answers) => {
                    vec![content::text(format!("Context: {}", shown(&answers)))]
                }
            }
        }
        CHANGING if fixture.offers().prompt => vec![content::text("I come and go.")],
        _ => return Err(invalid(format!("there is no prompt `{name}`"))),
    };
    let messages: Vec<Value> =
        messages.into_iter().map(|content| json!({ "role": "user", "content": content })).collect();
    Ok(json!({ "resultType": "complete", "messages": messages }))
}
