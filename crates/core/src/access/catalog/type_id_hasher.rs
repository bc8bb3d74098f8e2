//! How permissions are found by their types.

use std::hash::Hasher;

/// Takes the 64 bits that a [`TypeId`](std::any::TypeId) feeds it as they are: they are a hash already.
#[derive(Debug, Default)]
pub(super) struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
