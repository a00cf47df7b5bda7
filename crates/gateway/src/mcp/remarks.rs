//! What the gateway says of a result, in members of its own, and what it leaves out for a client of the older era.

use approvals::Grant;
use capfile::TextSources;
use mcp_types::{Era, meta};
use mcp_wire::{Edit, Object};

use crate::mcp::label;
use crate::mcp::word::Note;

/// What a client of the older era is not told.
const MODERN_RESULT_MEMBERS: [(&str, Edit<'static>); 3] =
    [("resultType", Edit::Remove), ("ttlMs", Edit::Remove), ("cacheScope", Edit::Remove)];

/// The remarks on one result. Where there are none, it passes as it is.
pub(super) struct Remarks {
    metadata: Option<String>,
    content: Option<String>,
}

impl Remarks {
    pub(super) fn of(result: &Object<'_>, sources: TextSources, grant: Option<&Grant>) -> Self {
        let note = grant.map(Note::of);
        let content = note.as_ref().and_then(|note| note.before(result));
        let given = result.get("_meta").and_then(|raw| Object::parse(raw.get()).ok());
        // Nobody but us says these.
        let ours = [meta::TEXT_FROM, meta::UNTRUSTED, meta::APPROVAL];
        let stands = |key| given.as_ref().is_some_and(|given| given.get(key).is_some());
        if sources.is_empty() && note.is_none() && !ours.into_iter().any(stands) {
            return Self { metadata: None, content };
        }
        let names = label::names(sources);
        let edits = [
            (meta::TEXT_FROM, Edit::Remove),
            (meta::UNTRUSTED, if sources.is_empty() { Edit::Remove } else { Edit::Raw(&names) }),
            (meta::APPROVAL, note.as_ref().map_or(Edit::Remove, |note| Edit::Raw(&note.metadata))),
        ];
        let mut out = Vec::new();
        given.unwrap_or_else(Object::empty).write(&edits, &mut out);
        Self { metadata: String::from_utf8(out).ok(), content }
    }

    /// The edits of the result for a client of this era.
    pub(super) fn edits(&self, era: Era) -> Vec<(&str, Edit<'_>)> {
        let left_out = match era {
            Era::Legacy => MODERN_RESULT_MEMBERS.as_slice(),
            Era::Modern => &[],
        };
        let metadata = self.metadata.as_deref().map(|text| ("_meta", Edit::Raw(text)));
        let content = self.content.as_deref().map(|text| ("content", Edit::Raw(text)));
        left_out.iter().copied().chain(metadata).chain(content).collect()
    }
}

#[cfg(test)]
mod tests {
    use capfile::TextSource;

    use super::*;

    fn check(result: &str, sources: TextSources, expected: &str) {
        let result = Object::parse(result).unwrap();
        let remarks = Remarks::of(&result, sources, None);
        let mut out = Vec::new();
        result.write(&remarks.edits(Era::Modern), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_result_passes_as_it_is_where_there_is_nothing_to_say() {
        for text in [r#"{"content":[],"x":1}"#, r#"{"_meta":{"x":1.50},"content":[]}"#] {
            check(text, TextSources::NONE, text);
        }
    }

    #[test]
    fn only_the_gateway_says_from_where_text_comes() {
        let mail = TextSource::Mail.into();
        let told = format!(r#""{}":["mail"]"#, meta::UNTRUSTED);
        check(r#"{"x":1}"#, mail, &format!(r#"{{"x":1,"_meta":{{{told}}}}}"#));
        let forged = format!(r#"{{"_meta":{{"{}":[],"x":1}}}}"#, meta::UNTRUSTED);
        check(&forged, mail, &format!(r#"{{"_meta":{{{told},"x":1}}}}"#));
        check(&forged, TextSources::NONE, r#"{"_meta":{"x":1}}"#);
        let said = format!(r#"{{"_meta":{{"{}":["mail"],"x":1}}}}"#, meta::TEXT_FROM);
        check(&said, mail, &format!(r#"{{"_meta":{{"x":1,{told}}}}}"#));
    }
}
