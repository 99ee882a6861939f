//! Places: how much may be under way at a time, all in all and of one caller, what of
//! it is kept for emergencies, and how the rest gives way to them.

mod siren;

use std::{
    collections::HashMap,
    num::NonZero,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use comity_domain::Urgency;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task_local,
    time::Instant,
};
use tonic::codegen::http::HeaderMap;

use self::siren::Siren;
use crate::{admit, config::Limits, identity::Caller, record, refusal::Refusal};

/// Of so many places one more is kept for emergencies.
const RESERVE: usize = 4;
/// How long room beside emergencies is kept.
const MOMENT: Duration = Duration::from_millis(100);
/// How long a submission waits for a place before it is told to come back. To wait
/// costs nothing; to turn away and be asked again at once, most of what it costs to
/// carry.
const PATIENCE: Duration = Duration::from_secs(2);

/// Room for calls: places, with a reserve for what says in its metadata that it is an
/// emergency.
///
/// While emergencies come, all else gives way, since whatever runs at the same time
/// delays them: a few at a time get in, and who was in before stands aside for a moment.
#[derive(Debug)]
pub(crate) struct Lanes {
    places: Places,
    reserve: Places,
    /// What is streamed to each caller.
    streams: Each,
    /// What gets in while the siren sounds.
    narrow: Arc<Semaphore>,
    siren: Siren,
}

/// How an exchange gets on beside others.
#[derive(Debug)]
pub(crate) struct Way<'l> {
    lanes: &'l Lanes,
    /// When it came; none for an emergency, which never stands aside.
    entered: Option<Instant>,
}

impl Lanes {
    pub(crate) fn new(limits: &Limits) -> Self {
        let Limits {
            in_flight,
            per_caller,
            ..
        } = *limits;
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            places: Places::new(in_flight, per_caller),
            reserve: Places::new(in_flight.div_ceil(RESERVE), per_caller.div_ceil(RESERVE)),
            streams: Each::new(per_caller),
            narrow: Arc::new(Semaphore::new(processors)),
            siren: Siren::default(),
        }
    }

    /// A place for a call, at once or not at all.
    pub(crate) fn take(&self, caller: Option<&Arc<Caller>>) -> Result<Place, Refusal> {
        self.places.take(caller).ok_or(FULL)
    }

    /// The right to be streamed to, beside a place for the call, until it is dropped.
    pub(crate) fn stream(
        &self,
        caller: Option<&Arc<Caller>>,
    ) -> Result<OwnedSemaphorePermit, Refusal> {
        self.streams.take(caller).ok_or(FULL)
    }

    /// A place for a submission, as soon as there is one.
    pub(crate) async fn enter(
        &self,
        caller: Option<&Arc<Caller>>,
        marked: Marked,
    ) -> Result<Place, Refusal> {
        let enter = async {
            match marked {
                Marked(true) => self.reserve.wait(caller).await,
                Marked(false) => {
                    let place = self.places.wait(caller).await?;
                    *place.narrow() = self.squeeze().await;
                    Some(place)
                }
            }
        };
        let place = tokio::time::timeout(PATIENCE, enter).await;
        place.ok().flatten().ok_or(FULL)
    }

    /// Waits for the siren to be silent, or for room beside emergencies.
    async fn squeeze(&self) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            () = self.siren.silence() => None,
            // Nobody closes it.
            room = Arc::clone(&self.narrow).acquire_owned() => room.ok(),
        }
    }

    /// The way of an exchange that is in and was read.
    pub(crate) fn way(&self, urgency: Urgency) -> Way<'_> {
        let entered = (urgency != Urgency::Emergency).then(Instant::now);
        Way {
            lanes: self,
            entered,
        }
    }

    /// An emergency is heard from now on.
    pub(crate) fn alarm(&self) {
        self.siren.sound();
    }
}

impl Way<'_> {
    /// Stands aside for a moment where an emergency has come since.
    pub(crate) async fn give(&self) {
        if let Some(entered) = self.entered {
            self.lanes.siren.stand_aside(entered).await;
        }
    }
}

const FULL: Refusal = Refusal::Overloaded {
    retry_after: record::RETRY_AFTER,
};

/// A submission says in its metadata that it is an emergency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marked(pub(crate) bool);

impl Marked {
    /// # Errors
    /// Another value than the one that there is: it was meant, and would be passed over.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let (key, emergency) = comity::EMERGENCY;
        let mut values = headers.get_all(key).iter().peekable();
        let marked = values.peek().is_some();
        match values.all(|value| value.as_bytes() == emergency.as_bytes()) {
            true => Ok(Self(marked)),
            false => Err(admit::malformed(
                "",
                "comes with the metadata `comity-urgency` of a value that is none: send \
                 `emergency`, or leave it out for `routine` and `urgent`",
            )),
        }
    }

    /// Lets the reserve be used by what it is for alone.
    ///
    /// # Errors
    /// Where a request is marked that is no emergency.
    pub(crate) fn check(self, urgency: Urgency) -> Result<(), Refusal> {
        match (self, urgency) {
            (Self(true), Urgency::Routine | Urgency::Urgent) => Err(admit::malformed(
                "urgency.level",
                "is no emergency, as no exercise is, and the metadata `comity-urgency` says it is one: leave that out",
            )),
            (Self(true), Urgency::Emergency) | (Self(false), _) => Ok(()),
        }
    }
}

/// Places of one kind.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    own: Each,
}

/// So many of something for each caller. All whose certificate names nobody are one.
#[derive(Debug)]
pub(crate) struct Each {
    of: Mutex<HashMap<Option<Arc<Caller>>, Arc<Semaphore>>>,
    most: usize,
}

/// The right to be under way, until it is dropped: one place of all, and one of
/// the caller's.
#[derive(Debug)]
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_caller: OwnedSemaphorePermit,
    narrow: Mutex<Option<OwnedSemaphorePermit>>,
}

task_local! {
    /// The place in which a call is carried out.
    static PLACE: Arc<Place>;
}

impl Place {
    fn new(of_all: OwnedSemaphorePermit, of_caller: OwnedSemaphorePermit) -> Self {
        Self {
            _of_all: of_all,
            _of_caller: of_caller,
            narrow: Mutex::default(),
        }
    }

    /// Carries `work` out in this place.
    pub(crate) async fn fill<T>(self, work: impl Future<Output = T>) -> T {
        Arc::new(self).carry(work).await
    }

    /// `work` in the place of the call that this is asked in, wherever it is carried out
    /// and whether or not anybody waits for it: who hangs up has no place for the next
    /// call before that.
    pub(crate) fn keep<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
        let place = PLACE.try_with(Arc::clone);
        // Moved on and on otherwise, and an exchange is tens of kilobytes.
        let work = Box::pin(work);
        async move {
            match place {
                Ok(place) => place.carry(work).await,
                // Nobody called.
                Err(_) => work.await,
            }
        }
    }

    /// Room beside emergencies is given back after a moment, so that a slow backend keeps
    /// nobody out.
    async fn carry<T>(self: Arc<Self>, work: impl Future<Output = T>) -> T {
        let mut work = pin!(PLACE.scope(Arc::clone(&self), work));
        if self.narrow().is_some() {
            if let Ok(done) = tokio::time::timeout(MOMENT, work.as_mut()).await {
                return done;
            }
            self.narrow().take();
        }
        work.await
    }

    fn narrow(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.narrow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    pub(crate) fn new(all: usize, per_caller: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            own: Each::new(per_caller),
        }
    }

    /// Takes a place; nothing when there are none left, so that one caller's flood
    /// leaves room for the others.
    pub(crate) fn take(&self, caller: Option<&Arc<Caller>>) -> Option<Place> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Place::new(of_all, self.own.take(caller)?))
    }

    /// Waits for a place, in the order of asking; nothing once nobody gives any.
    async fn wait(&self, caller: Option<&Arc<Caller>>) -> Option<Place> {
        let of_caller = self.own.of(caller).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place::new(of_all, of_caller))
    }
}

impl Each {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            of: Mutex::default(),
            most,
        }
    }

    /// Takes one; nothing when the caller has all of its own.
    pub(crate) fn take(&self, caller: Option<&Arc<Caller>>) -> Option<OwnedSemaphorePermit> {
        self.of(caller).try_acquire_owned().ok()
    }

    fn of(&self, caller: Option<&Arc<Caller>>) -> Arc<Semaphore> {
        // A panic elsewhere cannot leave a map half changed.
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let own = of.entry(caller.cloned());
        Arc::clone(own.or_insert_with(|| Arc::new(Semaphore::new(self.most))))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn lanes(in_flight: usize, per_caller: usize) -> Lanes {
        Lanes::new(&Limits {
            in_flight,
            per_caller,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn a_reserve_is_kept_for_emergencies() {
        let lanes = lanes(4, 4);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(lanes.enter(None, Marked(false)).await.unwrap());
        }
        assert!(lanes.take(None).is_err());
        // Who waits is let in when somebody leaves.
        let mut waits = Box::pin(lanes.enter(None, Marked(false)));
        assert!(waits.as_mut().now_or_never().is_none());
        let emergency = lanes.enter(None, Marked(true)).await.unwrap();
        assert!(lanes.enter(None, Marked(true)).now_or_never().is_none());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(emergency);
        lanes.enter(None, Marked(true)).await.unwrap();
        held.pop();
        waits.await.unwrap();
    }

    #[tokio::test]
    async fn beside_emergencies_a_few_get_in_and_the_others_after_them() {
        let lanes = lanes(1000, 1000);
        let before = lanes.way(Urgency::Urgent);
        assert!(before.give().now_or_never().is_some());
        let emergency = lanes.way(Urgency::Emergency);
        assert!(before.give().now_or_never().is_some());
        lanes.alarm();
        emergency.give().now_or_never().unwrap();
        assert!(before.give().now_or_never().is_none());
        let mut inside = Vec::new();
        while let Some(place) = lanes.enter(None, Marked(false)).now_or_never() {
            assert!(lanes.way(Urgency::Routine).give().now_or_never().is_some());
            inside.push(place.unwrap());
        }
        assert!((1..1000).contains(&inside.len()));
        // What takes long makes room.
        let slow = inside.pop().unwrap().fill(std::future::pending::<()>());
        let next = lanes.enter(None, Marked(false));
        tokio::select! {
            () = slow => unreachable!(),
            place = next => drop(place.unwrap()),
        }
        lanes.siren.silence().await;
        assert!(before.give().now_or_never().is_some());
        for _ in 0..100 {
            // A task may take so much and no more between two waits.
            tokio::task::yield_now().await;
            let place = lanes.enter(None, Marked(false)).now_or_never();
            inside.push(place.unwrap().unwrap());
        }
    }

    #[tokio::test]
    async fn who_has_no_name_has_no_more_than_a_caller() {
        let lanes = lanes(8, 4);
        for marked in [Marked(true), Marked(false)] {
            let mut held = Vec::new();
            while let Some(place) = lanes.enter(None, marked).now_or_never() {
                held.push(place.unwrap());
            }
            assert_eq!(held.len(), if marked.0 { 1 } else { 4 });
            let caller = Caller::recorded("spiffe://comity.example/DE/sta-berlin/issuing");
            let caller = Arc::new(caller.unwrap());
            lanes.enter(Some(&caller), marked).await.unwrap();
        }
    }

    #[test]
    fn a_mark_that_is_none_is_not_passed_over() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("comity-urgency", value.parse().unwrap());
            }
            Marked::read(&headers).ok()
        };
        assert_eq!(read(&[]), Some(Marked(false)));
        assert_eq!(read(&["emergency"]), Some(Marked(true)));
        for wrong in [
            &["EMERGENCY"][..],
            &["emergncy"],
            &[""],
            &["emergency", "x"],
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_marked_must_be_an_emergency() {
        assert!(Marked(true).check(Urgency::Emergency).is_ok());
        assert!(Marked(false).check(Urgency::Emergency).is_ok());
        assert!(Marked(false).check(Urgency::Routine).is_ok());
        assert!(Marked(true).check(Urgency::Urgent).is_err());
    }
}
