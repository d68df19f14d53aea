//! Lists, a page at a time.

use bastion_core::object::{Kind, ResourceVersion};
use bytes::Bytes;

use crate::{
    client::Client,
    error::{Error, Result},
    http::{
        fault::{Fault, Right},
        paths,
        rest::{JSON, Request},
    },
    meta::Page,
    partial::{self, Item},
};

/// What one page should weigh: it is in memory as a whole.
const PAGE_BYTES: usize = 4 << 20;
/// A page that turns out to weigh more is asked for again in smaller pieces.
const TOO_MUCH: usize = 4 * PAGE_BYTES;
/// What is asked for first, when the objects' size is not known yet.
const FIRST_PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;
/// The same where only metadata is asked for.
const FIRST_OF_METADATA: usize = 2_000;
const LARGEST_OF_METADATA: usize = 10_000;

/// A consistent list of one kind: all its pages, of all its namespaces, show one resourceVersion.
#[derive(Debug)]
pub(crate) struct Pages {
    client: Client,
    kind: Kind,
    labels: Option<String>,
    /// Namespaces still to be listed, the current one last; `None` is all at once.
    places: Vec<Option<String>>,
    next: String,
    limit: usize,
    largest: usize,
    accept: &'static str,
    at: Option<String>,
}

impl Pages {
    /// The whole cluster.
    pub(crate) fn everywhere(client: Client, kind: Kind, labels: Option<String>) -> Self {
        Self::of_places(client, kind, labels, vec![None])
    }

    /// These namespaces only.
    pub(crate) fn namespaces<'a>(
        client: Client,
        kind: Kind,
        labels: Option<String>,
        namespaces: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        let places = namespaces.into_iter().map(|n| Some(n.clone())).collect();
        Self::of_places(client, kind, labels, places)
    }

    fn of_places(client: Client, kind: Kind, labels: Option<String>, mut places: Vec<Option<String>>) -> Self {
        places.reverse();
        Self {
            client,
            kind,
            labels,
            places,
            next: String::new(),
            limit: FIRST_PAGE,
            largest: LARGEST_PAGE,
            accept: JSON,
            at: None,
        }
    }

    /// Of metadata only, for [`Self::next_items`].
    pub(crate) fn of_metadata(self) -> Self {
        Self { limit: FIRST_OF_METADATA, largest: LARGEST_OF_METADATA, accept: partial::ACCEPT, ..self }
    }

    /// The next page; `None` when the list is complete. After an error the list is of no use: its pages
    /// prove nothing about what was not in them.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Bytes>>> {
        self.read(|body, kind| Page::parse(&body, &kind.api_version(), &kind.kind)).await
    }

    /// The same of metadata.
    pub(crate) async fn next_items(&mut self) -> Result<Option<Vec<Item>>> {
        self.read(|body, kind| partial::parse(&body, &kind.api_version(), &kind.kind)).await
    }

    async fn read<T>(&mut self, parse: fn(Bytes, &Kind) -> Result<Page<T>, String>) -> Result<Option<Vec<T>>> {
        let Some(place) = self.places.last() else { return Ok(None) };
        let body = loop {
            let request = Request::get(self.path(place.as_deref())).accepting(self.accept);
            let most = if self.limit > 1 { TOO_MUCH } else { usize::MAX };
            let _permit = self.client.list_permit().await;
            match self.client.call_up_to(&request, most).await {
                Ok(body) => break body,
                Err(Fault::TooLong(_)) => self.limit = (self.limit / 8).max(1),
                Err(fault) => return Err(self.failed(fault)),
            }
        };
        let bytes = body.len();
        let page = parse(body, &self.kind).map_err(|why| self.failed(Fault::Malformed(why)))?;
        if page.resource_version.is_empty() {
            return Err(self.failed(Fault::Malformed("a list without resourceVersion".into())));
        }
        // Of a list in several pages the first one's counts, and of several namespaces the first one's: all
        // that follows is read as of then.
        self.at.get_or_insert(page.resource_version);
        if !page.items.is_empty() {
            let each = (bytes / page.items.len()).max(1);
            self.limit = (PAGE_BYTES / each).clamp(1, self.largest);
        }
        self.next = page.next;
        if self.next.is_empty() {
            self.places.pop();
        }
        Ok(Some(page.items))
    }

    /// The list's resourceVersion, once the first page is there.
    pub(crate) fn at(&self) -> ResourceVersion {
        ResourceVersion::new(self.at.as_deref().unwrap_or_default())
    }

    fn path(&self, place: Option<&str>) -> String {
        let limit = self.limit.to_string();
        let mut query = vec![("limit", limit.as_str())];
        if let Some(labels) = &self.labels {
            query.push(("labelSelector", labels));
        }
        if !self.next.is_empty() {
            query.push(("continue", &self.next));
        } else if let Some(at) = &self.at {
            // A further namespace, exactly as it was when the first one was listed.
            query.extend([("resourceVersion", at.as_str()), ("resourceVersionMatch", "Exact")]);
        }
        paths::with_query(&paths::collection(&self.kind, place), &query)
    }

    fn failed(&self, fault: Fault) -> Error {
        let place = match self.places.last() {
            Some(Some(namespace)) => format!(" in namespace {namespace}"),
            _ => String::new(),
        };
        let right = Right { verb: "list", plural: &self.kind.plural, group: &self.kind.group };
        fault.into_error(format!("listing {}{place}", self.kind), right)
    }
}

/// The resourceVersion that a kind has now: a list of one object.
pub(crate) async fn now(client: &Client, kind: &Kind, namespace: Option<&str>) -> Result<ResourceVersion> {
    let path = paths::with_query(&paths::collection(kind, namespace), &[("limit", "1")]);
    let failed = |fault: Fault| {
        let right = Right { verb: "list", plural: &kind.plural, group: &kind.group };
        fault.into_error(format!("reading the resourceVersion of {kind}"), right)
    };
    let body = client.call(&Request::get(path)).await.map_err(failed)?;
    let page = Page::parse(&body, "", "").map_err(|why| failed(Fault::Malformed(why)))?;
    Ok(ResourceVersion::new(page.resource_version))
}
