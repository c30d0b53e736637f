//! How many connections there may be, in all and from each address.
//!
//! Where there are too many, a new one takes the place of the one that has waited longest for a request; one that is at
//! work is never cut off. A trusted proxy speaks for many, and has as many as there are.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::stream::Phase;
use crate::domain::networks;
use crate::domain::proxies::TrustedProxies;

/// Most connections; fewer where the process may not open so many files.
const CONNECTIONS_MAX: u64 = 4096;
/// Files left for the database and the rest.
const FILES_RESERVED: u64 = 256;
/// Most connections from one address, or one household's network of IPv6.
const CONNECTIONS_PER_ADDRESS: usize = 256;

/// See the module.
pub struct Places {
    free: Arc<Semaphore>,
    taken: Mutex<Taken>,
    proxies: TrustedProxies,
}

#[derive(Default)]
struct Taken {
    /// By number, given in order.
    connections: HashMap<u64, Connection>,
    by_address: HashMap<IpAddr, usize>,
    next: u64,
}

struct Connection {
    address: IpAddr,
    phase: Phase,
    wanted: Arc<Notify>,
}

impl Places {
    /// As many as the process may have files open, and no more than `CONNECTIONS_MAX`.
    pub fn new(proxies: TrustedProxies) -> Arc<Self> {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let most =
            files.map_or(CONNECTIONS_MAX, |files| files.saturating_sub(FILES_RESERVED).clamp(16, CONNECTIONS_MAX));
        let free = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX >> 3)));
        Arc::new(Self { free, taken: Mutex::default(), proxies })
    }

    /// A place for a connection from `address`. `None` when it has its fill and all of them are at work; waits while
    /// that is so of all connections.
    pub async fn take(self: &Arc<Self>, address: IpAddr, phase: Phase) -> Option<Place> {
        let (is_proxy, address) = (self.proxies.contains(address), networks::household(address).addr());
        let free = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(free) => free,
            Err(_) => {
                self.lock().make_room(None);
                Arc::clone(&self.free).acquire_owned().await.ok()?
            }
        };
        let mut taken = self.lock();
        let is_full = taken.by_address.get(&address).is_some_and(|count| *count >= CONNECTIONS_PER_ADDRESS);
        if is_full && !is_proxy {
            taken.make_room(Some(address)).then_some(())?;
        }
        let (number, wanted) = (taken.next, Arc::<Notify>::default());
        taken.next += 1;
        *taken.by_address.entry(address).or_default() += 1;
        taken.connections.insert(number, Connection { address, phase, wanted: Arc::clone(&wanted) });
        Some(Place { places: Arc::clone(self), number, wanted, _free: free })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Ends the connection that has waited longest, of this address or of all; `false` when none waits.
    fn make_room(&mut self, address: Option<IpAddr>) -> bool {
        let waiting = self.connections.iter().filter(|(_, one)| address.is_none_or(|address| address == one.address));
        let waiting = waiting.filter_map(|(number, one)| Some((one.phase.waiting_since()?, *number)));
        let Some((_, longest)) = waiting.min() else { return false };
        if let Some(connection) = self.connections.get(&longest) {
            connection.wanted.notify_one();
        }
        self.forget(longest);
        true
    }

    fn forget(&mut self, number: u64) {
        let Some(Connection { address, .. }) = self.connections.remove(&number) else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// One connection's place; free again when dropped.
pub struct Place {
    places: Arc<Places>,
    number: u64,
    wanted: Arc<Notify>,
    _free: OwnedSemaphorePermit,
}

impl Place {
    /// Ready when another is to have the place.
    pub async fn is_wanted(&self) {
        self.wanted.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().forget(self.number);
    }
}
