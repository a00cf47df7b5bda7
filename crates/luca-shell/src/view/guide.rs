//! What `help` shows.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};

use crate::approvals::ACTIONS;
use crate::catalogue::{Catalogue, Method, Parameter};
use crate::command::{BUILT_INS, BuiltIn, First};
use crate::escape;
use crate::view::folder::flush_left;

/// All commands, and all methods if they are known.
pub(crate) fn everything(catalogue: Option<&Catalogue>) -> String {
    let mut commands = rows();
    for built_in in &BUILT_INS {
        commands.add_row([built_in.usage(), built_in.summary.to_owned()]);
    }
    let mut text = format!("Commands:\n{}\n", shown(commands));
    if let Some(catalogue) = catalogue {
        let mut methods = rows();
        for method in catalogue.methods() {
            methods.add_row([escape::line(&method.name), escape::line(method.summary())]);
        }
        // Writing to a string cannot fail.
        write!(text, "\nMethods:\n{}\n", shown(methods)).ok();
    }
    text.push_str(
        "\nA method is called by its name: mcp.fs.read /a.txt, mcp.fs.read [\"/a.txt\"], or \
         mcp.fs.read --path /a.txt.\n`help mcp.fs.read` shows its parameters.",
    );
    text
}

/// One command of the shell.
pub(crate) fn built_in(built_in: &BuiltIn) -> String {
    let text = format!("{}\n{}.", built_in.usage(), built_in.summary);
    if built_in.first != First::Approvals {
        return text;
    }
    let mut actions = rows();
    for (usage, about) in ACTIONS {
        actions.add_row([format!("approvals {usage}").trim_end().to_owned(), about.to_owned()]);
    }
    format!("{text}\n\n{}", shown(actions))
}

/// One method with its parameters.
pub(crate) fn method(method: &Method) -> String {
    let paragraphs = method.description.split('\n').map(escape::line).collect::<Vec<_>>();
    let mut text = format!("{}\n{}\n", escape::line(&method.name), paragraphs.join("\n"));
    let Some(parameters) = &method.parameters else {
        text.push_str("\nIts server does not tell its parameters.");
        return text;
    };
    if parameters.is_empty() {
        text.push_str("\nIt takes no parameters.");
        return text;
    }
    text.push_str("\nParameters, in this order:\n");
    let mut table = rows();
    for (parameter, at) in parameters.iter().zip(0_usize..) {
        let name = match &parameter.name {
            Some(name) => format!("--{}", escape::line(name)),
            None => format!("{at}"),
        };
        let needed = if parameter.required { "required" } else { "optional" };
        table.add_row([name, kind(parameter), needed.to_owned(), about(parameter)]);
    }
    text.push_str(&shown(table));
    text
}

fn kind(parameter: &Parameter) -> String {
    escape::line(&match parameter.choices().as_slice() {
        choices if !choices.is_empty() && parameter.is_text() => choices.join("|"),
        _ => parameter.types().join("|"),
    })
}

fn about(parameter: &Parameter) -> String {
    parameter.description().lines().map(escape::line).collect::<Vec<_>>().join(" ")
}

/// A table without lines, as wide as the terminal if there is one.
fn rows() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn shown(mut table: Table) -> String {
    flush_left(&mut table);
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::example;

    /// The words of a text, since the width of a table's columns is not what is told.
    fn words(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn everything_is_commands_and_methods() {
        let text = words(&everything(Some(&example())));
        assert!(text.contains("cat PATH [text|base64] Print a file"), "{text}");
        assert!(text.contains("mcp.fs.read Reads a file. mcp.hello"), "{text}");
        assert!(!everything(None).contains("Methods:"));
    }

    #[test]
    fn a_method_shows_its_parameters() {
        let catalogue = example();
        let text = words(&method(catalogue.method("mcp.fs.read").unwrap()));
        assert!(text.contains("--path string required The file."), "{text}");
        assert!(text.contains("--encoding text|base64 optional"), "{text}");
        assert!(text.contains("--limit integer|null optional"), "{text}");
        assert!(
            words(&method(catalogue.method("mcp.old.add").unwrap())).contains("0 number required")
        );
        assert!(method(catalogue.method("mcp.old.any").unwrap()).contains("does not tell"));
        assert!(method(catalogue.method("mcp.hello").unwrap()).contains("no parameters"));
    }
}
