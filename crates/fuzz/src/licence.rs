//! Licences: what nobody has signed is worth the free tier at the most.

use jiff::Timestamp;
use licence::{FREE, Grant, IssueError, Licence, Limits, Remaining, Terms, Tiers};
use signing::SigningKey;

/// The key of the issuer who is believed here. Everybody can read it, and no appliance believes it.
const ISSUER: &str = "llmbsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[expect(clippy::expect_used, reason = "without it nothing can be tried")]
fn issuer() -> SigningKey {
    SigningKey::from_text(ISSUER).expect("the constant is a key")
}

/// The only grant that the issuer has ever signed.
fn grant() -> Grant {
    Grant {
        tier: "ELITE".to_owned(),
        holder: "Anna".to_owned(),
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        limits: Limits::default(),
        capabilities: None,
        llm_models: None,
    }
}

/// The text of the only licence that the issuer has ever signed: `signed` of the corpus.
///
/// # Errors
///
/// Those of [`licence::issue`].
pub fn signed_licence() -> Result<String, IssueError> {
    licence::issue(&grant(), &issuer())
}

/// Reads a licence: what is believed says what was signed, and all else grants the free tier, whatever it claims.
///
/// # Panics
///
/// If that does not hold.
pub fn licence(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(licence) = Licence::read("lic.key", text, &[issuer().public()]) else {
        return;
    };
    let terms = Terms::of(&licence, &Tiers::default(), Timestamp::UNIX_EPOCH);
    if let Licence::Signed { grant: said, .. } = &licence {
        assert_eq!(*said, grant(), "{text:?}");
    } else {
        assert_eq!(terms.tier, FREE, "{text:?}");
        assert!(!terms.llm_access && !terms.allows("mcp.fs.write"), "{text:?}");
    }
    let shown = terms.check_result(std::iter::empty(), Remaining::default());
    assert!(shown.is_object(), "{text:?}");
}
