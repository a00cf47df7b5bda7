//! The code on which the safety of all the rest stands, which is measured more closely.

/// A part of that code.
pub(super) struct Area {
    /// What it does.
    pub(super) name: &'static str,
    /// Its crates, whose own tests must find what is wrong with it.
    pub(super) packages: &'static [&'static str],
    /// Where it is, beginning at the top of the checkout.
    pub(super) folders: &'static [&'static str],
}

/// All of it.
pub(super) const AREAS: [Area; 4] = [
    // A frame or message that is taken for another passes every check that comes after.
    Area { name: "framing", packages: &["mcp-wire"], folders: &["crates/mcp-wire/src/"] },
    // What leads out of the exposed folder leads to everything.
    Area {
        name: "confinement",
        packages: &["vroot", "sandbox"],
        folders: &["crates/vroot/src/", "crates/sandbox/src/"],
    },
    // Who is let in may do something; who is not, nothing.
    Area {
        name: "authentication",
        packages: &["clients", "signing", "gateway"],
        folders: &["crates/clients/src/", "crates/signing/src/", "crates/gateway/src/identity/"],
    },
    // What is not in the record, or can be taken out of it, has not happened.
    Area {
        name: "audit",
        packages: &["audit", "store"],
        folders: &["crates/audit/src/", "crates/store/src/"],
    },
];

/// The area in which a file is, named from the top of the checkout.
pub(super) fn area_of(file: &str) -> Option<&'static Area> {
    AREAS.iter().find(|area| area.folders.iter().any(|folder| file.starts_with(folder)))
}

/// A share as people read it; nothing of nothing is all.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let tenths = (part * 1000).checked_div(whole).unwrap_or(1000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_area_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        for area in &AREAS {
            for folder in area.folders {
                assert!(root.join(folder).is_dir(), "{folder}");
            }
        }
        assert_eq!(area_of("crates/audit/src/row.rs").map(|area| area.name), Some("audit"));
        assert!(area_of("crates/gateway/src/lib.rs").is_none());
    }

    #[test]
    fn shares() {
        assert_eq!(percent(2, 3), "66.6 %");
        assert_eq!(percent(0, 0), "100.0 %");
    }
}
