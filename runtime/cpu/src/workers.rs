//! The cores that kernels share.
//!
//! Work is cut into numbered parts, always the same ones, so that results do not depend on the number of threads; each thread takes those
//! of its own share first ([`crate::shares`]). The thread that asks takes parts itself and waits only for threads that are at work, not for
//! those that have yet to begin: a core that another program holds delays nobody. A thread without work looks for more for a moment, since
//! kernels follow each other closely, and sleeps then.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use crate::memory::Shared;
use crate::mode::Mode;
use crate::shares::Shares;

/// How often a thread looks for work before it sleeps: some 50 microseconds.
const LOOKS: usize = 1500;

thread_local! {
    /// Most threads that work asked for by this thread may use; 1 within such work.
    static MOST: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Which share of work is this thread's own.
    static OWN: Cell<usize> = const { Cell::new(0) };
}

/// How many threads work asked for here uses.
pub(crate) fn threads() -> usize {
    (POOL.get_or_init(Pool::new).helpers + 1).min(MOST.get())
}

/// Does something with at most so many threads; for tests and measurements.
pub fn with_threads<R>(most: usize, f: impl FnOnce() -> R) -> R {
    let before = MOST.replace(most.max(1));
    let result = catch_unwind(AssertUnwindSafe(f));
    MOST.set(before);
    result.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Does each of some parts.
pub(crate) fn each(count: usize, f: impl Fn(usize) + Sync) {
    each_with(count, || (), |(), number| f(number));
}

/// Does each of some parts, given memory of one thread.
pub(crate) fn each_with<M>(count: usize, memory: impl Fn() -> M + Sync, f: impl Fn(&mut M, usize) + Sync) {
    let threads = threads().min(count);
    let shares = Shares::new(count, threads);
    let take = || {
        let (mut own, thread) = (None, OWN.get());
        while let Some(number) = shares.take(thread) {
            f(own.get_or_insert_with(&memory), number);
        }
    };
    match threads {
        0 | 1 => take(),
        _ => POOL.get_or_init(Pool::new).run(&take, threads - 1),
    }
}

/// Does something with each piece of some elements and its number; the last piece may be shorter.
pub(crate) fn pieces<E: Send>(elements: &mut [E], size: usize, f: impl Fn(usize, &mut [E]) + Sync) {
    pieces_with(elements, size, || (), |(), number, piece| f(number, piece));
}

/// The same, by this thread alone where that is not worth waking others.
pub(crate) fn pieces_where<E: Send>(
    worth: bool,
    elements: &mut [E],
    size: usize,
    f: impl Fn(usize, &mut [E]) + Sync,
) {
    if worth {
        return pieces(elements, size, f);
    }
    elements.chunks_mut(size.max(1)).enumerate().for_each(|(number, piece)| f(number, piece));
}

/// The same, given memory of one thread.
pub(crate) fn pieces_with<E: Send, M>(
    elements: &mut [E],
    size: usize,
    memory: impl Fn() -> M + Sync,
    f: impl Fn(&mut M, usize, &mut [E]) + Sync,
) {
    if size == 0 {
        return;
    }
    let len = elements.len();
    let shared = Shared::new(elements);
    each_with(len.div_ceil(size), memory, |memory, number| {
        let start = number * size;
        f(memory, number, shared.run(start, size.min(len - start)));
    });
}

/// What each of some parts gives, in order.
pub(crate) fn map<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let mut results: Vec<Option<R>> = (0..count).map(|_| None).collect();
    pieces(&mut results, 1, |number, result| result[0] = Some(f(number)));
    results.into_iter().flatten().collect()
}

static POOL: OnceLock<Pool> = OnceLock::new();

/// Threads that help.
struct Pool {
    /// How many there are.
    helpers: usize,
    /// Held by the thread whose work is being done; the others do theirs alone.
    asking: Mutex<()>,
    work: Mutex<Work>,
    wake: Condvar,
    /// How many pieces of work there have been.
    count: AtomicU64,
    /// Threads that are at work, besides the one that asked.
    busy: AtomicUsize,
}

#[derive(Default)]
struct Work {
    now: Option<Job>,
    /// Threads that sleep.
    asleep: usize,
    /// What a helper panicked with.
    panic: Option<Box<dyn Any + Send>>,
}

/// Something to be done by several threads at once.
struct Job {
    /// Lives until the thread that asked has taken it away and `busy` is 0.
    f: *const (dyn Fn() + Sync),
    /// How many more threads may help.
    room: usize,
    /// That of the thread that asked.
    mode: Mode,
}

// What it points to is shared.
unsafe impl Send for Job {}

impl Pool {
    fn new() -> Self {
        let available = thread::available_parallelism().map_or(1, usize::from);
        let begin = |number: usize| {
            let helper = thread::Builder::new().name(format!("kernels {number}"));
            helper.spawn(move || POOL.wait().help(number)).is_ok()
        };
        Pool {
            helpers: (1..available).filter(|number| begin(*number)).count(),
            asking: Mutex::default(),
            work: Mutex::default(),
            wake: Condvar::new(),
            count: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
        }
    }

    /// Has `f` done by this thread and up to `helpers` others at once, and returns when all are done.
    fn run(&self, f: &(dyn Fn() + Sync), helpers: usize) {
        let Ok(asking) = self.asking.try_lock() else {
            return with_threads(1, f);
        };
        // The lifetime is forgotten: nobody has the pointer any more when this function returns.
        let f: &'static (dyn Fn() + Sync) = unsafe { std::mem::transmute(f) };
        let mut work = self.lock();
        work.now = Some(Job { f, room: helpers, mode: Mode::now() });
        self.count.fetch_add(1, Ordering::Release);
        if work.asleep > 0 {
            self.wake.notify_all();
        }
        drop(work);
        let own = catch_unwind(AssertUnwindSafe(|| with_threads(1, f)));
        self.lock().now = None;
        let mut looks = 0;
        while self.busy.load(Ordering::Acquire) > 0 {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { thread::yield_now() }
        }
        let panic = self.lock().panic.take();
        // Not while unwinding: nobody could ask any more.
        drop(asking);
        if let Some(panic) = own.err().or(panic) {
            resume_unwind(panic);
        }
    }

    /// What a helper does as long as the program runs.
    fn help(&self, number: usize) {
        MOST.set(1);
        OWN.set(number);
        let mut seen = 0;
        loop {
            let (job, mode) = self.next(&mut seen);
            // Not gone: `busy` counts this thread.
            let done = catch_unwind(AssertUnwindSafe(|| mode.within(|| unsafe { (*job)() })));
            if let Err(panic) = done {
                self.lock().panic = Some(panic);
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for work that has room for one more thread.
    fn next(&self, seen: &mut u64) -> (*const (dyn Fn() + Sync), Mode) {
        loop {
            for _ in 0..LOOKS {
                if self.count.load(Ordering::Acquire) != *seen {
                    break;
                }
                std::hint::spin_loop();
            }
            let mut work = self.lock();
            while self.count.load(Ordering::Acquire) == *seen {
                work.asleep += 1;
                work = self.wake.wait(work).unwrap_or_else(PoisonError::into_inner);
                work.asleep -= 1;
            }
            *seen = self.count.load(Ordering::Acquire);
            if let Some(job) = work.now.as_mut().filter(|job| job.room > 0) {
                job.room -= 1;
                self.busy.fetch_add(1, Ordering::Acquire);
                return (job.f, job.mode);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once() {
        for threads in [1, 2, 5] {
            for count in [0, 1, 2, 3, 100, 10_000] {
                let done: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                with_threads(threads, || {
                    each(count, |number| _ = done[number].fetch_add(1, Ordering::Relaxed))
                });
                assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1), "{count} on {threads}");
            }
        }
    }

    #[test]
    fn work_within_work_and_beside_work_is_done() {
        let sum = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        each(8, |a| each(8, |b| _ = sum.fetch_add(a * b, Ordering::Relaxed)));
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 4 * 200 * 28 * 28);
    }

    #[test]
    fn pieces_and_results_are_in_order() {
        let mut elements = [0; 10];
        pieces(&mut elements, 4, |number, piece| piece.fill(number + piece.len()));
        assert_eq!(elements, [4, 4, 4, 4, 5, 5, 5, 5, 4, 4]);
        assert_eq!(map(100, |number| number * number), (0..100).map(|n| n * n).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_reaches_who_asked_and_nobody_else() {
        for bad in 0..64 {
            let result = catch_unwind(|| each(64, |number| assert_ne!(number, bad, "the bad part")));
            assert!(result.is_err(), "part {bad}");
            assert!(POOL.get().is_none_or(|pool| !pool.asking.is_poisoned()), "helpers can be asked again");
        }
        each(64, |_| ());
    }
}
