//! A store that fails on order: answers lost after and before the work, writes that land after their time, conflicts,
//! slowness, and listings that show objects late. It can ignore conditions, and its clock can be set forward.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::time::{Instant, sleep};

/// What goes wrong with one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and the answer is lost.
    AnswerLost,
    /// It is not done, and nothing says so.
    NotDone,
    /// Nothing is answered in time, and it is done so long after it was asked for.
    Late(Duration),
    /// The store says that a write of the same name is under way.
    Conflict,
    /// It is answered, slowly.
    Slow(Duration),
    /// The store refuses it.
    Forbidden,
}

#[derive(Debug, Default)]
struct Orders {
    /// For the next writes, in this order; `None` lets one through.
    next: Vec<Option<Fault>>,
    /// What is drawn where nothing was ordered: in so many of a thousand, of so many kinds.
    drawn: Option<(Rng, u32, u8)>,
    /// How many of the next reads fail.
    unread: usize,
    ignores_conditions: bool,
    /// For how long a listing does not show what was written.
    listing_lag: Duration,
    written: BTreeMap<Path, Instant>,
    /// How far its clock was set forward when an object was written.
    offsets: BTreeMap<Path, Duration>,
    offset: Duration,
}

/// A store in memory that fails on order.
#[derive(Clone, Debug, Default)]
pub struct Faulty {
    pub inner: Arc<InMemory>,
    orders: Arc<Mutex<Orders>>,
}

impl Faulty {
    /// Makes these the faults of the next writes.
    pub fn order(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.orders.lock().unwrap().next = faults.into_iter().collect();
    }

    /// Fails so many of the next reads.
    pub fn fail_reads(&self, count: usize) {
        self.orders.lock().unwrap().unread = count;
    }

    /// Fails so many of a thousand requests from here on.
    pub fn draw(&self, seed: u64, of_thousand: u32) {
        self.orders.lock().unwrap().drawn = Some((Rng::with_seed(seed), of_thousand, 5));
    }

    /// The same with faults that take no time.
    pub fn draw_quick(&self, seed: u64, of_thousand: u32) {
        self.orders.lock().unwrap().drawn = Some((Rng::with_seed(seed), of_thousand, 3));
    }

    pub fn heal(&self) {
        let mut orders = self.orders.lock().unwrap();
        orders.next.clear();
        orders.drawn = None;
    }

    pub fn ignore_conditions(&self) {
        self.orders.lock().unwrap().ignores_conditions = true;
    }

    pub fn lag_listings(&self, by: Duration) {
        self.orders.lock().unwrap().listing_lag = by;
    }

    /// Sets the store's clock forward.
    pub fn forward(&self, by: Duration) {
        self.orders.lock().unwrap().offset += by;
    }

    fn fault(&self) -> Option<Fault> {
        let mut orders = self.orders.lock().unwrap();
        if !orders.next.is_empty() {
            return orders.next.remove(0);
        }
        let (rng, rate, kinds) = orders.drawn.as_mut()?;
        if rng.u32(..1000) >= *rate {
            return None;
        }
        Some(match rng.u8(..*kinds) {
            0 => Fault::AnswerLost,
            1 => Fault::NotDone,
            2 => Fault::Conflict,
            3 => Fault::Late(Duration::from_millis(rng.u64(..60_000))),
            _ => Fault::Slow(Duration::from_millis(rng.u64(..5_000))),
        })
    }

    fn fails_to_read(&self) -> bool {
        let mut orders = self.orders.lock().unwrap();
        if orders.unread > 0 {
            orders.unread -= 1;
            return true;
        }
        orders.drawn.as_mut().is_some_and(|(rng, rate, _)| rng.u32(..2000) < *rate)
    }

    async fn write(&self, path: Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        if self.orders.lock().unwrap().ignores_conditions {
            options.mode = PutMode::Overwrite;
        }
        let result = self.inner.put_opts(&path, payload, options).await;
        if result.is_ok() {
            let mut orders = self.orders.lock().unwrap();
            let offset = orders.offset;
            orders.written.insert(path.clone(), Instant::now());
            orders.offsets.insert(path, offset);
        }
        result
    }

    async fn put(&self, path: Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        match self.fault() {
            None => self.write(path, payload, options).await,
            Some(Fault::AnswerLost) => {
                let _ = self.write(path, payload, options).await;
                Err(lost("the answer was lost"))
            }
            Some(Fault::NotDone) => Err(lost("503 and not done")),
            Some(Fault::Late(by)) => {
                let store = self.clone();
                tokio::spawn(async move {
                    sleep(by).await;
                    let _ = store.write(path, payload, options).await;
                });
                Err(lost("no answer in time"))
            }
            Some(Fault::Conflict) => Err(Error::AlreadyExists {
                path: path.to_string(),
                source: "ConditionalRequestConflict".into(),
            }),
            Some(Fault::Slow(by)) => {
                sleep(by).await;
                self.write(path, payload, options).await
            }
            Some(Fault::Forbidden) => {
                Err(Error::PermissionDenied { path: path.to_string(), source: "AccessDenied".into() })
            }
        }
    }

    /// Returns an object as this store's clock has it.
    fn dated(&self, mut meta: ObjectMeta) -> ObjectMeta {
        let offsets = &self.orders.lock().unwrap().offsets;
        meta.last_modified += offsets.get(&meta.location).copied().unwrap_or_default();
        meta
    }

    fn is_listed(&self, path: &Path) -> bool {
        let orders = self.orders.lock().unwrap();
        let written = orders.written.get(path);
        written.is_none_or(|written| written.elapsed() >= orders.listing_lag)
    }
}

fn lost(why: &'static str) -> Error {
    Error::Generic { store: "faulty", source: why.into() }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of this test")
    }
}

impl ObjectStore for Faulty {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> BoxFuture<'c, Result<PutResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        self.put(location.clone(), payload, options).boxed()
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: PutMultipartOptions,
    ) -> BoxFuture<'c, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'c,
        'b: 'c,
    {
        self.inner.put_multipart_opts(location, options)
    }

    fn get_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: GetOptions,
    ) -> BoxFuture<'c, Result<GetResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        async move {
            if self.fails_to_read() {
                return Err(lost("503"));
            }
            let mut answer = self.inner.get_opts(location, options).await?;
            answer.meta = self.dated(answer.meta);
            Ok(answer)
        }
        .boxed()
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.fails_to_read() {
            return futures_util::stream::once(async { Err(lost("503")) }).boxed();
        }
        let store = self.clone();
        let listed = self.inner.list(prefix);
        let shown = listed.try_filter_map(move |meta| {
            let meta = store.is_listed(&meta.location).then(|| store.dated(meta));
            futures_util::future::ready(Ok(meta))
        });
        shown.boxed()
    }

    fn list_with_delimiter<'a, 'b, 'c>(
        &'a self,
        prefix: Option<&'b Path>,
    ) -> BoxFuture<'c, Result<ListResult>>
    where
        'a: 'c,
        'b: 'c,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'c, 'd>(
        &'a self,
        from: &'b Path,
        to: &'c Path,
        options: CopyOptions,
    ) -> BoxFuture<'d, Result<()>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
    {
        self.inner.copy_opts(from, to, options)
    }
}
