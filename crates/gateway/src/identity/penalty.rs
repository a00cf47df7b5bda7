//! What it costs to show wrong keys: a penalty box for each address.
//!
//! It keeps nobody out whose key is good. A key cannot be guessed, and one host with an old key must not lock out the others of
//! its address, which under `up` is everybody's. What it bounds is how often we are asked in vain, and how often a pairing code,
//! which is short, can be tried.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{
    FIRST_PENALTY, FREE_WRONG_KEYS, LONGEST_PENALTY, MAX_PENALTIES, PENALTY_MEMORY,
};

/// Who has shown wrong keys.
#[derive(Default)]
pub(crate) struct Penalties(Mutex<HashMap<IpAddr, Record>>);

#[derive(Clone, Copy)]
struct Record {
    wrong: u32,
    /// When the last wrong one was shown.
    last: Instant,
    /// Until when the address is in the box.
    until: Instant,
}

/// An address is in the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Penalty {
    /// For how long.
    pub(crate) left: Duration,
}

impl Penalties {
    /// Whether the address is in the box.
    pub(crate) fn look(&self, address: IpAddr, now: Instant) -> Result<(), Penalty> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = records.get(&network(address)).map_or(now, |record| record.until);
        let left = until.saturating_duration_since(now);
        if left.is_zero() { Ok(()) } else { Err(Penalty { left }) }
    }

    /// Notes a wrong key. After [`FREE_WRONG_KEYS`] of them each one more puts the address into the box, for twice as long as the
    /// one before; what is shown in the box counts not.
    pub(crate) fn wrong(&self, address: IpAddr, now: Instant) -> Result<(), Penalty> {
        self.look(address, now)?;
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= MAX_PENALTIES {
            records.retain(|_, record| now.duration_since(record.last) < PENALTY_MEMORY);
            if records.len() >= MAX_PENALTIES {
                let oldest = records.iter().min_by_key(|(_, record)| record.last);
                let oldest = oldest.map(|(address, _)| *address);
                oldest.and_then(|oldest| records.remove(&oldest));
            }
        }
        let fresh = Record { wrong: 0, last: now, until: now };
        let record = records.entry(network(address)).or_insert(fresh);
        if now.duration_since(record.last) >= PENALTY_MEMORY {
            *record = fresh;
        }
        record.wrong = record.wrong.saturating_add(1);
        record.last = now;
        let Some(beyond) = record.wrong.checked_sub(FREE_WRONG_KEYS + 1) else { return Ok(()) };
        let longer = 2_u32.saturating_pow(beyond);
        let left = FIRST_PENALTY.saturating_mul(longer).min(LONGEST_PENALTY);
        record.until = now + left;
        Err(Penalty { left })
    }
}

/// What is one for a penalty: whoever has one IPv6 address has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn the_penalty_doubles_up_to_the_longest() {
        let (penalties, mut now) = (Penalties::default(), Instant::now());
        for _ in 0..FREE_WRONG_KEYS {
            assert_eq!(penalties.wrong(HERE, now), Ok(()));
        }
        let mut expected = FIRST_PENALTY;
        for _ in 0..40 {
            assert_eq!(penalties.wrong(HERE, now), Err(Penalty { left: expected }));
            assert_eq!(penalties.look(HERE, now), Err(Penalty { left: expected }));
            assert_eq!(penalties.look(IpAddr::from([127, 0, 0, 2]), now), Ok(()));
            now += expected;
            assert_eq!(penalties.look(HERE, now), Ok(()));
            expected = (expected * 2).min(LONGEST_PENALTY);
        }
        assert_eq!(expected, LONGEST_PENALTY);
        now += PENALTY_MEMORY;
        assert_eq!(penalties.wrong(HERE, now), Ok(()), "it is forgotten in the end");
    }

    #[test]
    fn what_is_shown_in_the_box_makes_it_no_longer() {
        let (penalties, now) = (Penalties::default(), Instant::now());
        for _ in 0..=FREE_WRONG_KEYS {
            penalties.wrong(HERE, now).ok();
        }
        for _ in 0..100 {
            assert_eq!(penalties.wrong(HERE, now), Err(Penalty { left: FIRST_PENALTY }));
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(network(address("2001:db8::1")), network(address("2001:db8::ffff:2")));
        assert_ne!(network(address("2001:db8::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn the_box_has_a_bound() {
        let (penalties, now) = (Penalties::default(), Instant::now());
        for address in 0..u32::try_from(MAX_PENALTIES + 10).unwrap() {
            penalties.wrong(IpAddr::from(address.to_be_bytes()), now).ok();
        }
        assert_eq!(penalties.0.lock().unwrap().len(), MAX_PENALTIES);
    }
}
