//! Answers to requests.

use lsp_types::{
    CompletionList, CompletionParams, CompletionResponse, DocumentFormattingParams, DocumentSymbolParams,
    DocumentSymbolResponse, GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverContents, HoverParams,
    Location, MarkupContent, MarkupKind, Position, Range, TextEdit,
};
use vspec_syntax::{FileId, Span};

use super::analysis::{Analysis, carried};
use super::server::{Document, Server};
use super::{completion, hover, position, symbols};

impl Server {
    pub(super) fn hover(&self, params: HoverParams) -> Option<Hover> {
        let at = params.text_document_position_params;
        let document = self.document(&at.text_document.uri)?;
        let byte = position::byte(&document.text, at.position);
        let (value, range) = views(document, byte).into_iter().find_map(|(analysis, byte)| {
            let (value, span) = hover::hover(analysis, byte)?;
            Some((value, current_range(document, analysis, span)))
        })?;
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        Some(Hover { contents, range })
    }

    pub(super) fn definition(&self, params: GotoDefinitionParams) -> Option<GotoDefinitionResponse> {
        let at = params.text_document_position_params;
        let document = self.document(&at.text_document.uri)?;
        let byte = position::byte(&document.text, at.position);
        let location = views(document, byte).into_iter().find_map(|(analysis, byte)| {
            let definition = definition(analysis, byte)?;
            let location = analysis.location(definition)?;
            match definition.file {
                FileId(0) => {
                    let range = current_range(document, analysis, definition)?;
                    Some(Location { range, ..location })
                }
                _ => Some(location),
            }
        })?;
        Some(GotoDefinitionResponse::Scalar(location))
    }

    pub(super) fn completion(&self, params: CompletionParams) -> Option<CompletionResponse> {
        let at = params.text_document_position;
        let document = self.document(&at.text_document.uri)?;
        let byte = position::byte(&document.text, at.position);
        let items = completion::complete(&document.text, byte, &document.analyses());
        Some(CompletionResponse::List(CompletionList { is_incomplete: false, items }))
    }

    /// One edit of the whole text; none when it is formatted, or when it has errors, which are shown anyway.
    pub(super) fn formatting(&self, params: DocumentFormattingParams) -> Option<Vec<TextEdit>> {
        let document = self.document(&params.text_document.uri)?;
        let new_text = vspec_syntax::format(FileId(0), &document.text).ok()?;
        if new_text == *document.text {
            return Some(vec![]);
        }
        let start = Position { line: 0, character: 0 };
        let end = position::position(&document.text, document.text.len());
        Some(vec![TextEdit { range: Range { start, end }, new_text }])
    }

    pub(super) fn symbols(&self, params: DocumentSymbolParams) -> Option<DocumentSymbolResponse> {
        let document = self.document(&params.text_document.uri)?;
        Some(DocumentSymbolResponse::Nested(symbols::symbols(&document.text)))
    }
}

/// The analyses that may know about a byte of a document, and which byte it is in the text of each.
fn views<'a>(document: &'a Document, byte: usize) -> Vec<(&'a Analysis, usize)> {
    let of = |analysis: &'a Analysis| Some((analysis, carried(&document.text, &analysis.text, byte)?));
    document.analyses().into_iter().filter_map(of).collect()
}

/// Where a span of an analysis is in the document now.
fn current_range(document: &Document, analysis: &Analysis, span: Span) -> Option<Range> {
    let carry = |byte: u32| carried(&analysis.text, &document.text, byte as usize);
    let (start, end) = (carry(span.start)?, carry(span.end)?);
    Some(position::range(&document.text, Span::new(FileId(0), start, end.max(start))))
}

/// Where the name under the cursor is defined. A definition is its own.
fn definition(analysis: &Analysis, byte: usize) -> Option<Span> {
    let word = hover::word(&analysis.text, byte)?;
    let index = &analysis.index;
    index.uses.get(&word).copied().or_else(|| {
        let is_definition = index.uses.values().chain(index.names.values().filter_map(|n| n.span.as_ref()));
        is_definition.copied().find(|span| *span == word)
    })
}
