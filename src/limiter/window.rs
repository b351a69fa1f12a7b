//! The last 60 seconds, exact to the bin.

use crate::record::Micros;

use super::rate::LARGEST;

/// Length of a bin.
const BIN: u64 = 150_000;
/// Bins kept: the current one and the 400 before it, so that at least 60 s are always covered.
const BINS: usize = 401;
/// Bins more that count for admission: a server's bins turn at other moments than ours, and what has left our window may
/// still be in its own.
const MARGIN: usize = 2;
const RING: usize = BINS + MARGIN;

#[derive(Clone, Copy, Default)]
struct Bin {
    /// Attempts sent.
    sent: u32,
    /// Attempts that count against RPM: sent and not rejected.
    charged: u32,
    /// Tokens held at admission.
    held: u64,
    /// Tokens settled at completion.
    settled: u64,
    /// Net charge: holds and refunds in the bin of the send, debts in the bin in which they came.
    net: i64,
}

/// What the last 60 s hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Attempts sent.
    pub(super) sent: u64,
    /// Attempts that count against RPM.
    pub(super) charged: u64,
    /// Tokens held at admission.
    pub(super) held: u64,
    /// Tokens settled at completion.
    pub(super) settled: u64,
    /// Net charge: an upper bound of what any server that slides a 60 s window counts. Such a server may post a refund
    /// at the send or at the completion; posting refunds at the send (the bin that leaves first) and debts at
    /// the completion (the bin that leaves last) is never below either.
    pub(super) net: i64,
}

/// A ring of bins with running sums.
pub(super) struct Window {
    bins: Box<[Bin]>,
    /// Index in time of the newest bin.
    newest: u64,
    sums: Sums,
    /// Net charge and charged requests of the window and its margin.
    wide: (i64, i64),
}

impl Window {
    pub(super) fn new(now: Micros) -> Window {
        Window {
            bins: vec![Bin::default(); RING].into_boxed_slice(),
            newest: now.0 / BIN,
            sums: Sums::default(),
            wide: (0, 0),
        }
    }

    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    /// Net charge that may still count, and charged requests that may.
    pub(super) fn wide(&self) -> (i64, i64) {
        self.wide
    }

    /// The sums as they will be at `now` if nothing else happens.
    pub(super) fn sums_at(&self, now: Micros) -> Sums {
        let mut sums = self.sums;
        let ahead = (now.0 / BIN).saturating_sub(self.newest).min(BINS as u64);
        for index in 1..=ahead {
            // At each step the oldest bin of the window goes: the margin is older.
            let bin = &self.bins[((self.newest + index + MARGIN as u64) % RING as u64) as usize];
            sums.sent -= u64::from(bin.sent);
            sums.charged -= u64::from(bin.charged);
            sums.held -= bin.held;
            sums.settled -= bin.settled;
            sums.net -= bin.net;
        }
        sums
    }

    /// Lets bins older than 60 s go.
    pub(super) fn advance(&mut self, now: Micros) {
        let target = now.0 / BIN;
        if target <= self.newest {
            return;
        }
        for _ in 0..(target - self.newest).min(RING as u64) {
            self.newest += 1;
            let leaves = self.bins[((self.newest + MARGIN as u64) % RING as u64) as usize];
            self.sums.sent -= u64::from(leaves.sent);
            self.sums.charged -= u64::from(leaves.charged);
            self.sums.held -= leaves.held;
            self.sums.settled -= leaves.settled;
            self.sums.net -= leaves.net;
            let forgotten = std::mem::take(&mut self.bins[(self.newest % RING as u64) as usize]);
            self.wide.0 -= forgotten.net;
            self.wide.1 -= i64::from(forgotten.charged);
        }
        if self.newest < target {
            // Everything has gone; the bins are all empty, so only the label moves.
            self.newest = target;
        }
    }

    /// The bin of `at`, if it still counts, and whether it is within the window proper.
    fn bin(&mut self, at: Micros) -> Option<(&mut Bin, bool)> {
        let index = (at.0 / BIN).min(self.newest);
        let age = self.newest - index;
        (age < RING as u64).then(|| (&mut self.bins[(index % RING as u64) as usize], age < BINS as u64))
    }

    pub(super) fn send(&mut self, hold: u64, now: Micros) {
        let hold = hold.min(LARGEST);
        if let Some((bin, _)) = self.bin(now) {
            if bin.sent == u32::MAX {
                return;
            }
            bin.sent += 1;
            bin.charged += 1;
            bin.held += hold;
            bin.net += hold as i64;
            self.sums.sent += 1;
            self.sums.charged += 1;
            self.sums.held += hold;
            self.sums.net += hold as i64;
            self.wide.0 += hold as i64;
            self.wide.1 += 1;
        }
    }

    pub(super) fn settle(&mut self, charged: u64, now: Micros) {
        let charged = charged.min(LARGEST);
        if let Some((bin, _)) = self.bin(now) {
            bin.settled += charged;
            self.sums.settled += charged;
        }
    }

    /// The charge of an attempt sent at `sent` moves from `before` to `after`.
    pub(super) fn correct(&mut self, before: u64, after: u64, sent: Micros, now: Micros) {
        let delta = after.min(LARGEST) as i64 - before.min(LARGEST) as i64;
        let at = if delta < 0 { sent } else { now };
        if let Some((bin, within)) = self.bin(at) {
            bin.net += delta;
            self.wide.0 += delta;
            if within {
                self.sums.net += delta;
            }
        }
    }

    /// An attempt sent at `sent` was rejected, or (`unsent`) never left: its charge is taken back.
    pub(super) fn take_back(&mut self, hold: u64, charge: u64, sent: Micros, unsent: bool) {
        let (hold, charge) = (hold.min(LARGEST), charge.min(LARGEST) as i64);
        let Some((bin, within)) = self.bin(sent) else { return };
        let sent = u32::from(unsent && bin.sent > 0);
        let charged = u32::from(bin.charged > 0);
        let hold = hold.min(bin.held);
        bin.sent -= sent;
        bin.charged -= charged;
        bin.held -= hold;
        bin.net -= charge;
        self.wide.0 -= charge;
        self.wide.1 -= i64::from(charged);
        if !within {
            return;
        }
        self.sums.sent -= u64::from(sent);
        self.sums.charged -= u64::from(charged);
        self.sums.held -= hold;
        self.sums.net -= charge;
    }

    /// When enough of the oldest bins will have gone for the net charge to be at most `room`.
    pub(super) fn tokens_at_most(&self, room: i64) -> Micros {
        self.when(self.wide.0, room, |bin| bin.net)
    }

    /// When enough of the oldest bins will have gone for the charged requests to be at most `room`.
    pub(super) fn requests_at_most(&self, room: i64) -> Micros {
        self.when(self.wide.1, room, |bin| i64::from(bin.charged))
    }

    fn when(&self, mut sum: i64, room: i64, of: impl Fn(&Bin) -> i64) -> Micros {
        // Bins in the order of time begin after the newest.
        let (newer, older) = self.bins.split_at((self.newest % RING as u64) as usize + 1);
        let mut gone = 0;
        for bin in older.iter().chain(newer) {
            if sum <= room {
                break;
            }
            sum -= of(bin);
            gone += 1;
        }
        // The oldest goes with the next bin.
        Micros((self.newest + gone).saturating_mul(BIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the plain list of what was sent: exact to the bin.
        #[test]
        fn the_sums_are_those_of_the_last_minute(
            sends in prop::collection::vec((0u64..20_000_000, 0u64..1_000, 0u64..3_000), 1..100),
        ) {
            let mut window = Window::new(Micros::ZERO);
            let mut now = Micros::ZERO;
            let mut list: Vec<(u64, u64, u64)> = Vec::new();
            for (span, hold, charged) in sends {
                now = now + Micros(span);
                window.advance(now);
                window.send(hold, now);
                window.correct(hold, charged, now, now);
                window.settle(charged, now);
                list.push((now.0 / BIN, hold, charged));
                let recent = || list.iter().filter(|send| now.0 / BIN - send.0 < BINS as u64);
                let sums = window.sums();
                prop_assert_eq!(sums.sent, recent().count() as u64);
                prop_assert_eq!(sums.charged, recent().count() as u64);
                prop_assert_eq!(sums.held, recent().map(|send| send.1).sum::<u64>());
                prop_assert_eq!(sums.settled, recent().map(|send| send.2).sum::<u64>());
                prop_assert_eq!(sums.net, recent().map(|send| send.2).sum::<u64>() as i64);
                let later = now + Micros::from_secs(30);
                let ahead = window.sums_at(later);
                let still = list.iter().filter(|send| later.0 / BIN - send.0 < BINS as u64);
                prop_assert_eq!(ahead.settled, still.map(|send| send.2).sum::<u64>());
            }
            window.advance(now + Micros::from_secs(61));
            prop_assert_eq!(window.sums(), Sums::default());
        }
    }
}
