//! Who declares what, and who of several gets it.

use std::collections::HashMap;

use capfile::CapFile;

/// Everything that the cap files declare.
pub(super) struct Claims {
    /// Names of tools and of methods, which have different forms.
    pub(super) names: Claimed,
    /// Names of prompts.
    pub(super) prompts: Claimed,
    /// What URIs begin with.
    pub(super) uris: Claimed,
}

/// Names of one kind by server.
pub(super) struct Claimed {
    by_server: HashMap<String, Vec<String>>,
    /// Whether two names mean, in part at least, the same.
    collide: fn(&str, &str) -> bool,
}

impl Claims {
    pub(super) fn of(files: &[(String, CapFile)]) -> Self {
        let mut claims = Self {
            names: Claimed::new(|one, other| one == other),
            prompts: Claimed::new(|one, other| one == other),
            uris: Claimed::new(overlap),
        };
        for (server, file) in files {
            for method in &file.capabilities {
                let tool = method.tool_name().ok().flatten().map(String::from);
                let names = tool.into_iter().chain([method.method.to_string()]);
                claims.names.declare(server, names);
            }
            let prompts = file.prompt_names().unwrap_or_default().into_iter();
            claims.prompts.declare(server, prompts.map(String::from));
            claims.uris.declare(server, file.resource_uris.iter().map(ToString::to_string));
        }
        claims
    }
}

impl Claimed {
    fn new(collide: fn(&str, &str) -> bool) -> Self {
        Self { by_server: HashMap::new(), collide }
    }

    fn declare(&mut self, server: &str, names: impl Iterator<Item = String>) {
        self.by_server.entry(server.to_owned()).or_default().extend(names);
    }

    /// Whether a server gets a name that it declares: not if another `holder` has it already, or a `former` one still
    /// declares it.
    pub(super) fn may_have(
        &self,
        name: &str,
        server: &str,
        holder: Option<&str>,
        former: Option<&str>,
    ) -> bool {
        let still = |former: &&str| {
            let declared = self.by_server.get(*former).into_iter().flatten();
            declared.into_iter().any(|declared| (self.collide)(declared, name))
        };
        let former = former.filter(|former| *former != server).filter(still);
        let own = crate::mcp::is_own_name(name).then_some("gateway");
        let Some(holder) = own.or(holder).or(former) else { return true };
        tracing::error!(server, holder, name, "a name was refused: another server has it");
        false
    }
}

/// Whether a URI can begin with both.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_uris_overlap_where_one_uri_could_have_both() {
        for (one, other, expected) in [
            ("mail://", "mail://", true),
            ("mail://", "mail://inbox/", true),
            ("mail://a", "mail://b", false),
            ("mail://", "mails://", false),
        ] {
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        }
    }
}
