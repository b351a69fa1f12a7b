//! The recordIds of a job, without keeping them: 24 bytes for each, whatever its length.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A number for each name. Names are told apart by 128 bits of BLAKE3: two of a billion names meet with a probability of
/// 1 in 10²⁰, so what is found needs no second look at the name itself, which may lie in S3.
#[derive(Debug, Default)]
pub(super) struct Names {
    marks: HashMap<[u32; 4], u32, BuildHasherDefault<Digest>>,
}

impl Names {
    /// Notes `mark` for a new name; the mark of a name that is there already stays, and is told.
    pub fn add(&mut self, name: &str, mark: u32) -> Option<u32> {
        match self.marks.entry(digest(name)) {
            std::collections::hash_map::Entry::Occupied(there) => Some(*there.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(mark);
                None
            }
        }
    }

    /// The mark of a name.
    pub fn get(&self, name: &str) -> Option<u32> {
        self.marks.get(&digest(name)).copied()
    }

    /// Notes `mark` for a name, new or not.
    pub fn set(&mut self, name: &str, mark: u32) {
        self.marks.insert(digest(name), mark);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.marks.len()
    }
}

fn digest(name: &str) -> [u32; 4] {
    let hash = blake3::hash(name.as_bytes());
    let word = |at: usize| {
        let bytes = hash.as_bytes();
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    [word(0), word(4), word(8), word(12)]
}

/// A digest is as good as any hash of it.
#[derive(Debug, Default)]
struct Digest(u64);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        // The length of the array comes first, then its bytes.
        for eight in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..eight.len()].copy_from_slice(eight);
            self.0 = self.0.rotate_left(32) ^ u64::from_le_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_mark_stays_until_it_is_set() {
        let mut names = Names::default();
        for n in 0..10_000 {
            assert_eq!(names.add(&n.to_string(), n), None);
        }
        assert_eq!((names.add("77", 5), names.get("77"), names.len()), (Some(77), Some(77), 10_000));
        names.set("77", 5);
        assert_eq!((names.get("77"), names.get("x")), (Some(5), None));
    }
}
