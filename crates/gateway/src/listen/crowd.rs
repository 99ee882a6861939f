//! How many connections of one address may be about to show who they are: whoever opens
//! more leaves room for others.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Of all handshakes one address has this part: as much as one behind which many are may need.
const PART: usize = 2;

/// Bits of an IPv6 address that whoever has one of them has all of below.
const SITE: u32 = 64;

/// Those that shake hands, by address.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// The right to shake hands, until it is dropped.
#[derive(Debug)]
pub(super) struct Inside {
    crowd: Crowd,
    site: IpAddr,
}

impl Crowd {
    /// Of so many handshakes.
    pub(super) fn of(handshakes: usize) -> Self {
        Self {
            inside: Arc::default(),
            most: handshakes.div_ceil(PART),
        }
    }

    /// Lets one more in, if not too many of its address are.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Inside> {
        let site = site(address);
        let mut inside = self.inside();
        let count = inside.entry(site).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Inside {
            crowd: self.clone(),
            site,
        })
    }

    fn inside(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A panic elsewhere cannot leave a map half changed.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut inside = self.crowd.inside();
        if let Some(count) = inside.get_mut(&self.site) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.site);
            }
        }
    }
}

fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let below = u128::MAX.checked_shr(SITE).unwrap_or_default();
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !below))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_a_part_and_others_theirs() {
        let crowd = Crowd::of(4);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let one = enter("2001:db8::1").unwrap();
        let other = enter("2001:db8::ffff:0:0:1").unwrap();
        assert!(enter("2001:db8::2").is_none(), "of the same site");
        assert!(enter("2001:db8:0:1::2").is_some());
        drop(one);
        assert!(enter("2001:db8::2").is_some());
        drop(other);
        let _held = [
            enter("192.0.2.1").unwrap(),
            enter("::ffff:192.0.2.1").unwrap(),
        ];
        assert!(enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some());
        drop(_held);
        assert!(crowd.inside().is_empty(), "nothing is kept of who left");
    }
}
