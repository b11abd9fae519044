//! The server's state, and which message does what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidCloseTextDocument, DidOpenTextDocument,
    DidSaveTextDocument, Notification as _, PublishDiagnostics,
};
use lsp_types::request::{
    Completion, DocumentSymbolRequest, Formatting, GotoDefinition, HoverRequest, Request as _,
};
use lsp_types::{
    Diagnostic, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    PublishDiagnosticsParams, Url,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::analysis::Analysis;
use super::diagnostics;

/// Where messages to the client go.
type Outbox = crossbeam_channel::Sender<Message>;

/// An open document.
pub(super) struct Document {
    pub(super) text: Arc<str>,
    version: i32,
    /// What is known about this text.
    current: Option<Analysis>,
    /// What was known when the text could last be read as a whole.
    whole: Option<Analysis>,
}

impl Document {
    /// What is known, the newest first.
    pub(super) fn analyses(&self) -> Vec<&Analysis> {
        self.current.iter().chain(&self.whole).collect()
    }
}

/// The state of the server.
pub(super) struct Server {
    outbox: Outbox,
    documents: BTreeMap<Url, Document>,
    /// What each open document says about each document.
    said: BTreeMap<Url, BTreeMap<Url, Vec<Diagnostic>>>,
    /// Whether a document changed since the last analysis.
    stale: bool,
}

impl Server {
    pub(super) fn new(outbox: Outbox) -> Server {
        Server { outbox, documents: BTreeMap::new(), said: BTreeMap::new(), stale: false }
    }

    pub(super) fn document(&self, url: &Url) -> Option<&Document> {
        self.documents.get(url)
    }

    /// Answers a request, whatever it is.
    pub(super) fn request(&self, request: Request) {
        let Request { id, method, params } = request;
        let response = match method.as_str() {
            HoverRequest::METHOD => answer(id, params, |p| self.hover(p)),
            GotoDefinition::METHOD => answer(id, params, |p| self.definition(p)),
            Completion::METHOD => answer(id, params, |p| self.completion(p)),
            Formatting::METHOD => answer(id, params, |p| self.formatting(p)),
            DocumentSymbolRequest::METHOD => answer(id, params, |p| self.symbols(p)),
            other => {
                let message = format!("`{other}` is not supported");
                Response::new_err(id, ErrorCode::MethodNotFound as i32, message)
            }
        };
        self.send(response);
    }

    /// Takes note of what the client says. What it says wrongly cannot be answered and is dropped.
    pub(super) fn notification(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            DidOpenTextDocument::METHOD => self.with(params, Self::open),
            DidChangeTextDocument::METHOD => self.with(params, Self::change),
            DidCloseTextDocument::METHOD => self.with(params, Self::close),
            // Files that open documents use may have changed.
            DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD => self.stale = true,
            _ => {}
        }
    }

    fn with<P: DeserializeOwned>(&mut self, params: Value, handle: impl FnOnce(&mut Self, P)) {
        if let Ok(params) = serde_json::from_value(params) {
            handle(self, params);
            self.stale = true;
        }
    }

    fn open(&mut self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        let document = Document { text: item.text.into(), version: item.version, current: None, whole: None };
        self.documents.insert(item.uri, document);
    }

    fn change(&mut self, params: DidChangeTextDocumentParams) {
        let Some(document) = self.documents.get_mut(&params.text_document.uri) else { return };
        let Some(change) = params.content_changes.into_iter().next_back() else { return };
        document.text = change.text.into();
        document.version = params.text_document.version;
    }

    fn close(&mut self, params: DidCloseTextDocumentParams) {
        let url = params.text_document.uri;
        self.documents.remove(&url);
        self.say(&url, BTreeMap::new());
        self.said.remove(&url);
    }

    /// Analyses every open document again if any changed: they may use each other.
    pub(super) fn refresh(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let open: BTreeMap<PathBuf, Arc<str>> =
            self.documents.iter().filter_map(|(url, d)| Some((real_path(url)?, d.text.clone()))).collect();
        let urls: Vec<Url> = self.documents.keys().cloned().collect();
        for url in urls {
            let Some(document) = self.documents.get_mut(&url) else { continue };
            let text = document.text.clone();
            // A fault of the compiler, which the panic hook reports, must not take the editor's other documents with it.
            let attempt = std::panic::AssertUnwindSafe(|| Analysis::of(&url, text, &open));
            let Ok(analysis) = std::panic::catch_unwind(attempt) else { continue };
            let said = diagnostics::by_document(&analysis);
            document.keep(analysis);
            self.say(&url, said);
        }
    }

    /// Publishes what changes for any document when one of them says something new.
    fn say(&mut self, owner: &Url, said: BTreeMap<Url, Vec<Diagnostic>>) {
        let before = self.said.insert(owner.clone(), said).unwrap_or_default();
        let now = &self.said[owner];
        let touched: BTreeSet<Url> = before.keys().chain(now.keys()).cloned().collect();
        for url in touched {
            self.publish(url);
        }
    }

    fn publish(&self, url: Url) {
        let mut diagnostics: Vec<Diagnostic> = vec![];
        for diagnostic in self.said.values().filter_map(|said| said.get(&url)).flatten() {
            if !diagnostics.contains(diagnostic) {
                diagnostics.push(diagnostic.clone());
            }
        }
        let version = self.documents.get(&url).map(|d| d.version);
        let params = PublishDiagnosticsParams { uri: url, diagnostics, version };
        self.send(Notification::new(PublishDiagnostics::METHOD.to_string(), params));
    }

    /// A client that has gone away is noticed when the next message is read.
    fn send(&self, message: impl Into<Message>) {
        let _ = self.outbox.send(message.into());
    }
}

impl Document {
    /// Takes a new analysis; the last whole one is kept for as long as the text has syntax errors.
    fn keep(&mut self, analysis: Analysis) {
        let old = self.current.replace(analysis);
        match &self.current {
            Some(new) if new.is_whole() => self.whole = None,
            _ => self.whole = old.filter(Analysis::is_whole).or(self.whole.take()),
        }
    }
}

fn real_path(url: &Url) -> Option<PathBuf> {
    url.to_file_path().ok()?.canonicalize().ok()
}

/// The response to a request whose parameters may be anything.
fn answer<P: DeserializeOwned, R: Serialize>(
    id: RequestId,
    params: Value,
    handle: impl FnOnce(P) -> Option<R>,
) -> Response {
    match serde_json::from_value(params) {
        Ok(params) => Response::new_ok(id, handle(params)),
        Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}
