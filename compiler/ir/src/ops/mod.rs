//! The op table and what derives from it.

mod decl;
mod table;

pub use decl::{
    Accepts, Attr, AttrDecl, AttrError, AttrKind, Domain, Effect, Gradient, OpClass, OpDecl, OperandDecl,
};
pub use table::{Op, TABLE};

/// The declaration of the op with this name.
pub fn find(name: &str) -> Option<&'static OpDecl> {
    TABLE.iter().find(|d| d.name == name)
}
