//! `vspecc lsp`: the language server, over standard input and output.
//!
//! One thread reads messages in order; before a request is answered, documents that changed are analysed again. A change that
//! is followed by another message waits for it, so that typing never queues up analyses.

mod analysis;
mod cache;
mod completion;
mod diagnostics;
mod hover;
mod position;
mod requests;
mod server;
mod symbols;

use lsp_server::{Connection, Message, ProtocolError};
use lsp_types::{
    CompletionOptions, HoverProviderCapability, OneOf, ServerCapabilities, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
};
use serde_json::json;

use server::Server;

/// Serves one client until it says goodbye. Returns whether it did so in the right order.
///
/// # Errors
/// The client does not speak the protocol.
pub(crate) fn serve() -> Result<bool, ProtocolError> {
    let (connection, threads) = Connection::stdio();
    let (id, _) = connection.initialize_start()?;
    let about = json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "vspecc", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, about)?;
    let orderly = listen(&connection)?;
    drop(connection);
    // What is left is writing what was said; a client that has gone away is no error.
    let _ = threads.join();
    Ok(orderly)
}

fn listen(connection: &Connection) -> Result<bool, ProtocolError> {
    let mut server = Server::new(connection.sender.clone());
    for message in &connection.receiver {
        match message {
            Message::Request(request) => {
                if connection.handle_shutdown(&request)? {
                    return Ok(true);
                }
                server.refresh();
                server.request(request);
            }
            Message::Notification(notification) if notification.method == "exit" => return Ok(false),
            Message::Notification(notification) => server.notification(notification),
            Message::Response(_) => {}
        }
        if connection.receiver.is_empty() {
            server.refresh();
        }
    }
    Ok(false)
}

fn capabilities() -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::FULL),
        save: Some(TextDocumentSyncSaveOptions::Supported(true)),
        ..TextDocumentSyncOptions::default()
    };
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(vec![".".into(), "(".into()]),
            ..CompletionOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}
