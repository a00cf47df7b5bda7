//! The tools that ask nothing.

use mcp_wire::{RpcError, code};
use serde_json::Value;

use crate::call::{Call, invalid};
use crate::content;
use crate::declare::{CHANGING, Offers};
use crate::dispatch::Fixture;
use crate::inputs;

/// `tools/call`.
pub(crate) async fn call(fixture: &Fixture, call: &Call) -> Result<Value, RpcError> {
    let name = call.text("name")?;
    let text = |text: &str| Ok(content::result(&[content::text(text)]));
    match name {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => Ok(content::result(&[content::image()])),
        "test_audio_content" => Ok(content::result(&[content::audio()])),
        "test_embedded_resource" => {
            let words = "This is an embedded resource content.";
            let resource = content::resource("test://embedded-resource", "text/plain", words);
            Ok(content::result(&[resource]))
        }
        "test_multiple_content_types" => {
            let data = r#"{"test":"data","value":123}"#;
            let uri = "test://mixed-content-resource";
            let resource = content::resource(uri, "application/json", data);
            let words = content::text("Multiple content types test:");
            Ok(content::result(&[words, content::image(), resource]))
        }
        "test_error_handling" => {
            Ok(content::failure("This tool intentionally returns an error for testing"))
        }
        "test_tool_with_logging" => {
            call.log("Tool execution started").await;
            call.step().await;
            call.log("Tool processing data").await;
            call.step().await;
            call.log("Tool execution completed").await;
            text("It logged, where that was asked for.")
        }
        "test_logging_tool" => {
            call.log("A message of the logging tool").await;
            text("It logged, where that was asked for.")
        }
        "test_tool_with_progress" => {
            call.progress(0, 100).await;
            call.step().await;
            call.progress(50, 100).await;
            call.step().await;
            call.progress(100, 100).await;
            text("It told how far it was, where that was asked for.")
        }
        "test_missing_capability" => {
            call.needs("sampling")?;
            text("The client can sample.")
        }
        "test_trigger_tool_change" => {
            change(fixture, |offers| offers.tool = !offers.tool)?;
            text("The list of tools has changed.")
        }
        "test_trigger_prompt_change" => {
            change(fixture, |offers| offers.prompt = !offers.prompt)?;
            text("The list of prompts has changed.")
        }
        "test_header_parameter" => text(&format!("region: {}", call.argument("region"))),
        "json_schema_2020_12_tool" => text(&format!("arguments: {}", call.param("arguments"))),
        CHANGING if fixture.offers().tool => text("I come and go."),
        _ => {
            if name == "test_streaming_elicitation" && call.answers()?.is_none() {
                call.progress(1, 2).await;
            }
            let asked = inputs::call(name, call, &fixture.seal);
            asked.unwrap_or_else(|| Err(invalid(format!("there is no tool `{name}`"))))
        }
    }
}

/// Changes what is offered, in the cap file too.
fn change(fixture: &Fixture, edit: impl FnOnce(&mut Offers)) -> Result<(), RpcError> {
    fixture.change(edit).map_err(|error| {
        RpcError::new(code::INTERNAL_ERROR, format!("the cap file could not be written: {error}"))
    })
}
