//! What a client carries for us from one request to the next, so that nobody else's is believed (MCP 2026-07-28, "Multi
//! Round-Trip Requests": `requestState` must be protected).

use data_encoding::HEXLOWER;
use ring::hmac;

/// Begins what is ours: servers' own states pass through untouched.
const PREFIX: &str = "llmbasedos-approval.";

/// The seal of this process. What was sealed before a restart is no more good: the client asks anew.
pub(super) struct Seal(hmac::Key);

impl Seal {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &secret)))
    }

    /// The state that says which approval a client is to ask its user for.
    pub(super) fn seal(&self, client: &str, id: &str) -> Option<String> {
        // A dot parts it from what follows.
        let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_plain.then(|| {
            let tag = hmac::sign(&self.0, &bound(client, id));
            format!("{PREFIX}{id}.{}", HEXLOWER.encode(tag.as_ref()))
        })
    }

    /// The approval that a state of this client's names. `None`: it is not ours.
    pub(super) fn open<'a>(&self, client: &str, state: &'a str) -> Option<&'a str> {
        let (id, tag) = state.strip_prefix(PREFIX)?.split_once('.')?;
        let tag = HEXLOWER.decode(tag.as_bytes()).ok()?;
        hmac::verify(&self.0, &bound(client, id), &tag).ok().map(|()| id)
    }
}

fn bound(client: &str, id: &str) -> Vec<u8> {
    // No name of a client has a NUL.
    [client.as_bytes(), b"\0", id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_its_clients_alone() {
        let (seal, other) = (Seal::new().unwrap(), Seal::new().unwrap());
        let state = seal.seal("anna", "abc").unwrap();
        assert_eq!(seal.open("anna", &state), Some("abc"));
        assert_eq!(seal.open("bert", &state), None);
        assert_eq!(other.open("anna", &state), None);
        assert_eq!(seal.open("anna", &state.replace("abc", "abd")), None);
        for strange in ["", "abc", PREFIX, &format!("{PREFIX}abc"), &format!("{PREFIX}abc.zz")] {
            assert_eq!(seal.open("anna", strange), None, "{strange}");
        }
        assert_eq!(seal.seal("anna", "a.b"), None);
    }
}
