//! Tokens per day that several scopes share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::record::Micros;

use super::window::Window;
use super::{tokens, units};

/// The length of a day.
pub(super) const DAY: Micros = Micros::from_secs(86_400);

/// The tokens per day of an account in one Region, over all its models (L-E3F10727, facts §2.2.8). Clones share it.
///
/// The service weighs tokens by price in a way that is not public; here each quota token counts once.
#[derive(Clone, Debug)]
pub struct TpdPool {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    day: Window,
    /// What others use in all scopes together, tokens per minute.
    others: u64,
}

impl TpdPool {
    /// A pool of which nothing is used today.
    #[must_use]
    pub fn new(tokens_per_day: u64, now: Micros) -> TpdPool {
        let day = Window::new(DAY, units(tokens_per_day), now);
        TpdPool { shared: Arc::new(Mutex::new(Shared { day, others: 0 })) }
    }

    /// A new limit; what was used today stays used.
    pub fn set_limit(&self, tokens_per_day: u64, now: Micros) {
        self.lock().day.retune(units(tokens_per_day), now);
    }

    /// Quota tokens used since midnight UTC, reservations included.
    #[must_use]
    pub fn used(&self, now: Micros) -> u64 {
        let mut shared = self.lock();
        shared.day.advance(now);
        tokens(shared.day.used()).max(0).unsigned_abs()
    }

    /// Tokens per day.
    #[must_use]
    pub fn limit(&self) -> u64 {
        tokens(self.lock().day.limit()).max(0).unsigned_abs()
    }

    pub(super) fn try_take(&self, amount: u64, now: Micros) -> bool {
        let mut shared = self.lock();
        shared.day.advance(now);
        let fits = shared.day.level() >= units(amount);
        if fits {
            shared.day.charge(units(amount));
        }
        fits
    }

    pub(super) fn charge(&self, amount: u64, now: Micros) {
        let mut shared = self.lock();
        shared.day.advance(now);
        shared.day.charge(units(amount));
    }

    pub(super) fn give_back(&self, amount: u64, taken: Micros, now: Micros) {
        let mut shared = self.lock();
        shared.day.advance(now);
        shared.day.give_back(units(amount), taken);
    }

    /// Others in one scope use `after` tokens per minute from now on, where it was `before`.
    pub(super) fn change_others(&self, before: u64, after: u64, now: Micros) {
        let mut shared = self.lock();
        shared.others = shared.others.saturating_sub(before).saturating_add(after);
        let others = shared.others;
        shared.day.set_others(others, now);
    }

    /// No code of ours can panic while it holds the lock, and the numbers in it are valid at each step.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
