//! `vspecc lsp`: serves an editor until it says goodbye.

use crate::failure::{CommandResult, Exit, Failure};
use crate::lsp::serve;

/// Serves; a client that leaves without `shutdown` makes it a failure, as the protocol asks.
pub(super) fn lsp() -> CommandResult {
    match serve() {
        Ok(true) => Ok(Exit::Fine),
        Ok(false) => Ok(Exit::Failed),
        Err(error) => Err(Failure::input(format!("the client does not speak the protocol: {error}"))
            .hint("`vspecc lsp` is started by an editor")),
    }
}
