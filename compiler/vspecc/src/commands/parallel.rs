//! Work on many files at once, with results shown in the order of the files.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// The most threads. Each compilation reserves a large stack, and files are few.
const MAX_THREADS: usize = 8;

/// Does `work` on every item and hands each result to `show` as soon as those before it are there.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut show: impl FnMut(R),
) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS).min(items.len());
    if threads < 2 {
        return items.iter().map(work).for_each(show);
    }
    let next = AtomicUsize::new(0);
    let (sender, results) = channel();
    let take = |sender: Sender<(usize, R)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            if sender.send((index, work(item))).is_err() {
                break;
            }
        }
    };
    thread::scope(|scope| {
        let start = |_| {
            let sender = sender.clone();
            thread::Builder::new().spawn_scoped(scope, || take(sender)).ok()
        };
        let started: Vec<_> = (0..threads).filter_map(start).collect();
        // Without memory for even one more thread, this one does it all before it shows anything.
        if started.is_empty() {
            take(sender.clone());
        }
        drop(sender);
        reorder(results, &mut show);
        for thread in started {
            // Said once already, where it happened.
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// Shows results, which come in any order, by their index.
fn reorder<R>(results: Receiver<(usize, R)>, show: &mut impl FnMut(R)) {
    let (mut waiting, mut shown) = (BTreeMap::new(), 0);
    for (index, result) in results {
        waiting.insert(index, result);
        while let Some(result) = waiting.remove(&shown) {
            show(result);
            shown += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..50).collect();
        let mut seen = vec![];
        // Early items take longest.
        let work = |i: &u64| {
            std::thread::sleep(std::time::Duration::from_micros(50 * (50 - i)));
            *i
        };
        in_order(&items, work, |i| seen.push(i));
        assert_eq!(seen, items);
    }

    #[test]
    fn nothing_and_one_thing_are_fine() {
        let count = |items: &[u8]| {
            let mut seen = 0;
            in_order(items, |_| (), |()| seen += 1);
            seen
        };
        assert_eq!((count(&[]), count(&[1])), (0, 1));
    }
}
