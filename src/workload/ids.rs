//! Finds names again, in twelve to twenty bytes for each of them.

use std::hash::{BuildHasher, RandomState};

/// Hashes of names, each under the number of the line that has it (its `seq`: 0, 1, 2, ...). It keeps no name: what it
/// finds are candidates, which the caller compares with the name as it stands in the file.
#[derive(Debug, Default)]
pub struct IdIndex {
    hasher: RandomState,
    hashes: Vec<u64>,
    /// Open addressing with linear probing: `seq + 1`, or 0 for a free slot. A power of two, at most 3/4 full.
    slots: Vec<u32>,
}

impl IdIndex {
    /// The hash of a name; its keys are random, so that no input can be made to collide.
    #[must_use]
    pub fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }

    /// A copy of the hash function for other threads.
    #[must_use]
    pub fn hasher(&self) -> RandomState {
        self.hasher.clone()
    }

    /// Adds the next name.
    pub fn push(&mut self, hash: u64) {
        self.hashes.push(hash);
        if self.hashes.len() * 4 > self.slots.len() * 3 {
            self.slots = vec![0; (self.slots.len() * 2).max(1024)];
            (0..self.hashes.len()).for_each(|seq| self.place(seq));
        } else {
            self.place(self.hashes.len() - 1);
        }
    }

    /// All lines whose names have this hash.
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.probe(hash)
            .map_while(|slot| self.slots[slot].checked_sub(1))
            .filter(move |seq| self.hashes[*seq as usize] == hash)
    }

    /// Only the hashes, in the order of the lines, and their function.
    #[must_use]
    pub fn into_hashes(self) -> (RandomState, Vec<u64>) {
        (self.hasher, self.hashes)
    }

    fn place(&mut self, seq: usize) {
        let free = self.probe(self.hashes[seq]).find(|slot| self.slots[*slot] == 0);
        if let Some(slot) = free {
            self.slots[slot] = seq as u32 + 1;
        }
    }

    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let slots = self.slots.len();
        (0..slots).map(move |step| (hash as usize).wrapping_add(step) & (slots - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let mut ids = IdIndex::default();
        for seq in 0..5_000 {
            ids.push(ids.hash(&format!("id-{seq}")));
        }
        for seq in 0..5_000 {
            let found: Vec<u32> = ids.candidates(ids.hash(&format!("id-{seq}"))).collect();
            assert_eq!(found, [seq]);
        }
        assert_eq!(ids.candidates(ids.hash("other")).count(), 0);
        assert_eq!(IdIndex::default().candidates(1).count(), 0);
    }

    #[test]
    fn equal_hashes_are_all_candidates() {
        let mut ids = IdIndex::default();
        [7, 7, 8, u64::MAX, 7].into_iter().for_each(|hash| ids.push(hash));
        assert_eq!(ids.candidates(7).collect::<Vec<_>>(), [0, 1, 4]);
        assert_eq!(ids.candidates(u64::MAX).collect::<Vec<_>>(), [3]);
    }
}
