//! A set of places in an input, one bit each.

/// A set of `seq` numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeqSet {
    bits: Vec<u64>,
    len: u64,
}

impl SeqSet {
    /// Adds one; whether it is new.
    pub fn insert(&mut self, seq: u64) -> bool {
        let (word, bit) = ((seq / 64) as usize, 1u64 << (seq % 64));
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.len += u64::from(new);
        new
    }

    /// Whether it is in.
    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        self.bits.get((seq / 64) as usize).is_some_and(|word| word & 1 << (seq % 64) != 0)
    }

    /// How many are in.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// How many are in that `other` has not.
    #[must_use]
    pub fn count_without(&self, other: &SeqSet) -> u64 {
        let others = other.bits.iter().copied().chain(std::iter::repeat(0));
        self.bits.iter().zip(others).map(|(bits, other)| u64::from((bits & !other).count_ones())).sum()
    }

    /// Whether none is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_put_in() {
        let mut set = SeqSet::default();
        assert!(set.is_empty() && !set.contains(700));
        assert!(set.insert(700) && set.insert(0) && !set.insert(700));
        assert_eq!((set.contains(700), set.contains(701), set.contains(0), set.len()), (true, false, true, 2));
        let mut other = SeqSet::default();
        other.insert(0);
        assert_eq!((set.count_without(&other), other.count_without(&set)), (1, 0));
    }
}
