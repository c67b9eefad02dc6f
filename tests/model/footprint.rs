//! What the program holds in memory: all that is given back when it ends.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// What is allocated on this thread; a run has but one.
    static HELD: Cell<Footprint> = const { Cell::new(Footprint { blocks: 0, octets: 0 }) };
}

/// Memory that is allocated.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    pub blocks: isize,
    pub octets: isize,
}

impl Footprint {
    /// What is given back when these end.
    pub fn of<T>(held: T) -> Self {
        let before = HELD.get();
        drop(held);
        let after = HELD.get();
        Self {
            blocks: before.blocks - after.blocks,
            octets: before.octets - after.octets,
        }
    }
}

/// The system's allocator, which counts.
struct Counting;

fn count(blocks: isize, layout: Layout) {
    let held = HELD.get();
    HELD.set(Footprint {
        blocks: held.blocks + blocks,
        octets: held.octets + blocks * layout.size().cast_signed(),
    });
}

// SAFETY: the system's allocator does it all; to count allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, octets: *mut u8, layout: Layout) {
        count(-1, layout);
        // SAFETY: as above, and the octets are the system's.
        unsafe { System.dealloc(octets, layout) }
    }
}
