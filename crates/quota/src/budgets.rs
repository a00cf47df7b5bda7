//! How much of something may be used on one day.

use std::collections::HashMap;
use std::sync::Arc;

use capfile::Budget;
use store::rusqlite::{self, Connection};

use crate::limits::{DAYS_KEPT, MAX_AMOUNT};
use crate::quota::Quota;

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// That of the whole appliance, which its licence sets.
    Appliance,
    /// That of one client.
    Client(Arc<str>),
}

impl Account {
    /// As it is kept; no client has an empty name.
    fn key(&self) -> &str {
        match self {
            Self::Appliance => "",
            Self::Client(name) => name,
        }
    }
}

/// What a call may use of one account's budget.
#[derive(Debug, Clone)]
pub struct Charge {
    /// Whose.
    pub account: Account,
    /// Of what.
    pub budget: Budget,
    /// How much at the most.
    pub amount: u64,
    /// How much there is on a day; without it the use is only counted.
    pub limit: Option<u64>,
}

/// A budget does not suffice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the budget `{budget}` of today has {left} left of {limit}, and this call may need {needed}"
)]
pub struct Exceeded {
    /// Which.
    pub budget: Budget,
    /// Whose.
    pub account: Account,
    /// How much is left.
    pub left: u64,
    /// How much there is on a day.
    pub limit: u64,
    /// How much the call may need.
    pub needed: u64,
}

/// Why nothing is reserved.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is not enough.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// It cannot be written down, and what cannot be counted is not allowed.
    #[error("the budgets cannot be kept: {0}")]
    Store(#[from] rusqlite::Error),
}

/// What a call has reserved. Dropped without [`Reservation::settle`], it is spent whole.
#[derive(Debug)]
#[must_use = "what is not settled is spent whole"]
pub struct Reservation {
    quota: Arc<Quota>,
    day: i64,
    charges: Vec<Charge>,
}

impl Reservation {
    pub(crate) fn new(quota: Arc<Quota>, day: i64, charges: Vec<Charge>) -> Self {
        Self { quota, day, charges }
    }

    /// Gives back what was not used. `used` tells for each budget how much was; one that is not in it was used whole. More
    /// than was reserved is spent too, even beyond the limit, since it is gone.
    ///
    /// # Errors
    ///
    /// It cannot be written down; then all of it stays spent.
    pub fn settle(self, used: &[(Budget, u64)]) -> rusqlite::Result<()> {
        let used_of = |charge: &Charge| used.iter().find(|(budget, _)| *budget == charge.budget);
        let changes = self.charges.iter().filter_map(|charge| {
            let (_, used) = used_of(charge)?;
            Some((charge, charge.amount, *used))
        });
        self.quota.settle(self.day, changes)
    }

    /// Gives everything back: the call was not made.
    ///
    /// # Errors
    ///
    /// Those of [`Reservation::settle`].
    pub fn cancel(self) -> rusqlite::Result<()> {
        let changes = self.charges.iter().map(|charge| (charge, charge.amount, 0));
        self.quota.settle(self.day, changes)
    }
}

/// What has been spent, reservations included.
#[derive(Debug, Default)]
pub(crate) struct Spent(HashMap<(i64, String, Budget), u64>);

impl Spent {
    pub(crate) fn load(store: &Connection, today: i64) -> rusqlite::Result<Self> {
        store.execute("DELETE FROM spent WHERE day <= ?1", [today - DAYS_KEPT])?;
        let mut spent = Self::default();
        let mut all = store.prepare("SELECT day, account, budget, amount FROM spent")?;
        let mut rows = all.query([])?;
        while let Some(row) = rows.next()? {
            let (name, amount) = (row.get::<_, String>(2)?, row.get::<_, i64>(3)?);
            let known = Budget::ALL.into_iter().find(|budget| budget.name() == name);
            if let Some(budget) = known {
                let key = (row.get(0)?, row.get(1)?, budget);
                spent.0.insert(key, amount.unsigned_abs());
            }
        }
        Ok(spent)
    }

    pub(crate) fn of(&self, day: i64, account: &Account, budget: Budget) -> u64 {
        self.0.get(&(day, account.key().to_owned(), budget)).copied().unwrap_or(0)
    }

    /// Whether all of the charges can be borne together.
    pub(crate) fn bears(&self, day: i64, charges: &[Charge]) -> Result<(), Exceeded> {
        for (at, charge) in charges.iter().enumerate() {
            let Some(limit) = charge.limit else { continue };
            let same = |other: &&Charge| {
                (&other.account, other.budget) == (&charge.account, charge.budget)
            };
            let before = charges.iter().take(at).filter(same);
            let before = before.fold(0_u64, |sum, other| sum.saturating_add(other.amount));
            let spent = self.of(day, &charge.account, charge.budget).saturating_add(before);
            let left = limit.saturating_sub(spent);
            if charge.amount > left {
                return Err(Exceeded {
                    budget: charge.budget,
                    account: charge.account.clone(),
                    left,
                    limit,
                    needed: charge.amount,
                });
            }
        }
        Ok(())
    }

    /// Writes down what each account has spent after these changes, and takes it over once that is done.
    pub(crate) fn change<'a>(
        &mut self,
        store: &Connection,
        day: i64,
        changes: impl Iterator<Item = (&'a Charge, u64, u64)>,
    ) -> rusqlite::Result<()> {
        let mut after: HashMap<(i64, String, Budget), u64> = HashMap::new();
        for (charge, less, more) in changes {
            let key = (day, charge.account.key().to_owned(), charge.budget);
            let before = after.get(&key).or_else(|| self.0.get(&key)).copied().unwrap_or(0);
            after.insert(key, before.saturating_sub(less).saturating_add(more).min(MAX_AMOUNT));
        }
        let transaction = store.unchecked_transaction()?;
        let mut put = transaction.prepare_cached(
            "INSERT INTO spent (day, account, budget, amount) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET amount = excluded.amount",
        )?;
        for ((day, account, budget), amount) in &after {
            put.execute((day, account, budget.name(), amount.cast_signed()))?;
        }
        drop(put);
        transaction.commit()?;
        self.0.extend(after);
        Ok(())
    }

    /// Forgets days that nobody asks for any more.
    pub(crate) fn forget_before(&mut self, day: i64) {
        self.0.retain(|(of, _, _), _| *of >= day);
    }
}
