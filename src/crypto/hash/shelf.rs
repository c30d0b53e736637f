//! Memory of earlier hashes, for the next ones.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argon2::Block;

use crate::domain::error::{Error, Result};

/// Least that a piece is asked for with, in blocks of 1 KiB; what is never touched of it takes no memory. Of more than
/// 32 MiB the C library makes a mapping of its own, which goes back to the system as soon as it is dropped (`mallopt(3)`,
/// `M_MMAP_THRESHOLD`). Less it would keep, once for each thread that ever hashed: hundreds of megabytes after a flood.
const ROOM: usize = 33 * 1024;

/// The pieces that are not in use: never more than ever ran at once.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Vec<Piece>>);

struct Piece {
    blocks: Vec<Block>,
    unused_since: Instant,
}

impl Shelf {
    /// Memory of so many blocks of 1 KiB; what was in it before does not matter to argon2.
    ///
    /// # Errors
    /// `Unavailable` when memory is short.
    pub(super) fn take(&self, blocks: usize) -> Result<Vec<Block>> {
        let last = self.lock().pop().map(|piece| piece.blocks);
        let mut memory = match last.filter(|memory| memory.capacity() >= blocks) {
            Some(memory) => memory,
            None => allocate(blocks)?,
        };
        memory.resize(blocks, Block::new());
        Ok(memory)
    }

    /// Keeps a piece for the next, if it is as long as at most `usual` blocks, or fits into the room of any.
    pub(super) fn put(&self, blocks: Vec<Block>, usual: usize) {
        if blocks.len() <= usual.max(ROOM) {
            self.lock().push(Piece { blocks, unused_since: Instant::now() });
        }
    }

    /// Gives back what nobody has used for so long.
    pub(super) fn clear(&self, unused: Duration) {
        self.lock().retain(|piece| piece.unused_since.elapsed() < unused);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Piece>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn allocate(blocks: usize) -> Result<Vec<Block>> {
    let mut memory = Vec::new();
    let roomy = memory.try_reserve_exact(blocks.max(ROOM));
    // Where addresses are limited, the least must do.
    let there = roomy.or_else(|_| memory.try_reserve_exact(blocks));
    there.map_err(|_| Error::Unavailable { retry_after: Duration::from_secs(2) })?;
    Ok(memory)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_used_again_whatever_the_next_hash_needs() {
        let shelf = Shelf::default();
        let first = shelf.take(12 * 1024).unwrap();
        let place = first.as_ptr();
        shelf.put(first, 12 * 1024);
        let larger = shelf.take(19 * 1024).unwrap();
        assert_eq!((larger.as_ptr(), larger.len()), (place, 19 * 1024));
        shelf.put(larger, 12 * 1024);
        assert_eq!(shelf.take(8).unwrap().len(), 8);
        assert!(shelf.lock().is_empty(), "it is in use");
    }

    #[test]
    fn a_piece_for_a_costlier_hash_than_usual_is_not_kept_nor_one_that_nobody_uses() {
        let shelf = Shelf::default();
        shelf.put(shelf.take(100 * 1024).unwrap(), 12 * 1024);
        assert!(shelf.lock().is_empty());
        shelf.put(shelf.take(46 * 1024).unwrap(), 46 * 1024);
        shelf.clear(Duration::from_secs(600));
        assert_eq!(shelf.lock().len(), 1);
        shelf.clear(Duration::ZERO);
        assert!(shelf.lock().is_empty());
    }
}
