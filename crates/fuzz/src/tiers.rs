//! Tiers files: the tiers that licences rely on are always there, and a tier means what is written of it.

use licence::{ELITE, FREE, Tier, Tiers};
use serde_json::{Map, Value};

/// Reads a tiers file: no tier that is built in is lost, and what was read, written out in either shape, is read again as the
/// same.
///
/// # Panics
///
/// If any of that does not hold.
pub fn tiers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(tiers) = Tiers::parse("licence_tiers.yaml", text) else {
        return;
    };
    for name in [FREE, "PRO", ELITE] {
        assert!(tiers.get(name).is_some(), "{text:?}: {name} is gone");
    }
    let by_name: Map<String, Value> =
        tiers.names().filter_map(|name| Some((name.to_owned(), value(tiers.get(name)?)))).collect();
    let by_name = Value::Object(by_name);
    for written in [by_name.to_string(), serde_json::json!({ "tiers": by_name }).to_string()] {
        // Written out it is longer, perhaps longer than a file may be.
        if let Ok(again) = Tiers::parse("licence_tiers.yaml", &written) {
            assert_eq!(again, tiers, "{text:?}");
        }
    }
}

#[expect(clippy::expect_used, reason = "a tier that is no JSON is what is looked for")]
fn value(tier: &Tier) -> Value {
    serde_json::to_value(tier).expect("a tier is JSON")
}
