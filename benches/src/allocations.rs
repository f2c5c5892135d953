//! An allocator that counts, while it is asked to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The system's allocator with a counter in front. For `#[global_allocator]`.
///
/// While it is not asked to count it costs one load and one branch that is always predicted, so that decoders which
/// allocate are not measured slower than they are.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

/// Allocations and reallocations of all threads while `work` runs. Always 0 unless [`Counting`] is the allocator.
pub fn during<R>(work: impl FnOnce() -> R) -> u64 {
    let before = COUNT.load(Relaxed);
    IS_COUNTING.store(true, Relaxed);
    drop(black_box(work()));
    IS_COUNTING.store(false, Relaxed);
    COUNT.load(Relaxed) - before
}

fn count() {
    if IS_COUNTING.load(Relaxed) {
        COUNT.fetch_add(1, Relaxed);
    }
}

#[expect(unsafe_code, reason = "counting allocations takes an allocator")]
// SAFETY: every call goes to the system allocator unchanged; the counters are atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
