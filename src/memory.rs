//! How much memory the program has: what other people's code takes cannot be asked of it.

/// The bytes of memory that are the program's now; none where the system does not say.
#[must_use]
pub(crate) fn resident() -> Option<u64> {
    memory_stats::memory_stats().map(|stats| stats.physical_mem as u64)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_taken_is_seen() {
        let before = super::resident().unwrap();
        let taken = vec![1_u8; 64 << 20];
        let after = super::resident().unwrap();
        assert!(after > before + (32 << 20), "{before} {after}");
        drop(taken);
    }
}
