//! Client keys: who may call.

use clients::{Client, ClientsFile, KeyHash};
use data_encoding::HEXLOWER_PERMISSIVE;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// The clients, ready to be asked.
pub(crate) struct Clients(Vec<(String, KeyHash)>);

/// Why a file of client keys is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientsError {
    #[error("client `{0}`: `key_sha256` must be 64 hexadecimal digits")]
    Hash(String),
    #[error("two clients are named `{0}`")]
    Twice(String),
}

impl TryFrom<ClientsFile> for Clients {
    type Error = ClientsError;

    fn try_from(file: ClientsFile) -> Result<Self, ClientsError> {
        let mut clients: Vec<(String, KeyHash)> = Vec::new();
        for Client { name, key_sha256 } in file.clients {
            if clients.iter().any(|(other, _)| *other == name) {
                return Err(ClientsError::Twice(name));
            }
            let bytes = HEXLOWER_PERMISSIVE.decode(key_sha256.as_bytes()).ok();
            let Some(hash) = bytes.and_then(|bytes| bytes.try_into().ok()) else {
                return Err(ClientsError::Hash(name));
            };
            clients.push((name, hash));
        }
        Ok(Self(clients))
    }
}

impl Clients {
    /// Whose key this is. Every stored hash is compared, each in constant time, so that the time tells neither
    /// how much of a key was right nor which client it is.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        let hash = clients::hash(key);
        let mut found = 0_u32;
        for (at, (_, stored)) in (1_u32..).zip(&self.0) {
            let equal: Choice = stored.ct_eq(&hash);
            found.conditional_assign(&at, equal);
        }
        let at = usize::try_from(found).ok()?.checked_sub(1)?;
        self.0.get(at).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use clients::key_hash;

    use super::*;

    fn clients(pairs: &[(&str, &str)]) -> Result<Clients, ClientsError> {
        let client = |(name, hash): &(&str, &str)| Client {
            name: (*name).into(),
            key_sha256: (*hash).into(),
        };
        Clients::try_from(ClientsFile { clients: pairs.iter().map(client).collect() })
    }

    #[test]
    fn finds_whose_key_it_is() {
        let (a, b) = (key_hash("key a"), key_hash("key b"));
        let clients = clients(&[("anna", &a), ("bert", &b)]).unwrap();
        assert_eq!(clients.find("key a"), Some("anna"));
        assert_eq!(clients.find("key b"), Some("bert"));
        for wrong in ["", "key", "key c", &a] {
            assert_eq!(clients.find(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn refuses_a_file_that_is_not_clear() {
        let good = key_hash("x");
        assert!(matches!(clients(&[("a", "12")]), Err(ClientsError::Hash(_))));
        assert!(matches!(clients(&[("a", &"zz".repeat(32))]), Err(ClientsError::Hash(_))));
        assert!(matches!(clients(&[("a", &good), ("a", &good)]), Err(ClientsError::Twice(_))));
    }
}
