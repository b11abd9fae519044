//! Items of a file and their signatures.

use std::collections::BTreeMap;

use vspec_syntax::ast::{
    File, FnDef, GradientDef, ItemKind, LossDef, Param, RecordDef, StatementKind, TestDef, TypeExpr, Use,
    VarDef,
};

use super::Checker;
use super::scope::{Kind, first_of, pattern_names};

impl Checker<'_> {
    /// All items of a file see each other.
    pub(super) fn file(&mut self, file: &File) {
        self.scoped(|c| {
            file.items.iter().for_each(|item| c.define_item(&item.kind));
            c.define_runs(file);
            file.items.iter().for_each(|item| c.item(&item.kind));
        });
    }

    fn define_item(&mut self, item: &ItemKind) {
        match item {
            ItemKind::Use(u) => self.define_imports(u),
            ItemKind::Let(def) => {
                for name in pattern_names(&def.pattern) {
                    self.warn_hiding(name);
                    self.define(name, Kind::Silent);
                }
            }
            ItemKind::Record(def) => self.define(&def.name, Kind::Silent),
            ItemKind::Fn(def) => self.define(&def.name, Kind::Silent),
            ItemKind::Module(def) => self.define(&def.name, Kind::Silent),
            ItemKind::Loss(def) => self.define(&def.name, Kind::Silent),
            ItemKind::Optimizer(def) => self.define(&def.name, Kind::Silent),
            ItemKind::Assign(def) => self.define(&def.name, Kind::Silent),
            ItemKind::Experiment(_) | ItemKind::Entry(_) | ItemKind::Test(_) => {}
        }
    }

    fn define_imports(&mut self, u: &Use) {
        u.names.iter().for_each(|(name, rename)| self.define(rename.as_ref().unwrap_or(name), Kind::Import));
    }

    /// Entries and experiments are named on the command line only, so they share no scope with the other items.
    fn define_runs(&mut self, file: &File) {
        self.scoped(|c| {
            for item in &file.items {
                match &item.kind {
                    ItemKind::Experiment(def) => c.define(&def.name, Kind::Silent),
                    ItemKind::Entry(def) => c.define(&def.name, Kind::Silent),
                    _ => {}
                }
            }
        });
    }

    fn item(&mut self, item: &ItemKind) {
        match item {
            ItemKind::Use(_) => {}
            ItemKind::Let(def) => {
                self.expr(&def.value);
                def.ty.iter().for_each(|ty| self.checked_type(ty));
            }
            ItemKind::Record(def) => self.record(def),
            ItemKind::Fn(def) => self.function(def),
            ItemKind::Module(def) => self.module(def),
            ItemKind::Loss(def) => self.loss(def),
            ItemKind::Optimizer(def) => self.optimizer(def),
            ItemKind::Assign(def) => self.assign(def),
            ItemKind::Experiment(def) => self.experiment(def),
            ItemKind::Entry(def) => self.expr(&def.value),
            ItemKind::Test(def) => self.test(def),
        }
    }

    fn record(&mut self, def: &RecordDef) {
        self.scoped(|c| def.fields.iter().for_each(|(name, _)| c.define(name, Kind::Silent)));
        self.scoped(|c| def.fields.iter().for_each(|(_, ty)| c.binding_type(ty)));
    }

    /// A function or a method.
    pub(super) fn function(&mut self, def: &FnDef) {
        // Who implements a function without a body reads its parameters elsewhere.
        let kind = if def.body.is_some() { Kind::Parameter } else { Kind::Silent };
        self.scoped(|c| {
            def.config.iter().for_each(|params| c.params(params, kind));
            c.scoped(|c| {
                c.params(&def.params, kind);
                c.result_type(def.ret.as_ref());
                def.body.iter().for_each(|body| c.block(body));
                def.gradient.iter().for_each(|gradient| c.gradient(gradient));
            });
        });
    }

    /// Sizes that only the result names are not visible in the body.
    fn result_type(&mut self, ret: Option<&TypeExpr>) {
        self.scoped(|c| ret.iter().for_each(|ty| c.binding_type(ty)));
    }

    /// Inputs, result and cotangent are given by position, so each needs a name whether or not it is used.
    fn gradient(&mut self, gradient: &GradientDef) {
        self.scoped(|c| {
            gradient.params.iter().for_each(|name| c.define(name, Kind::Silent));
            c.block(&gradient.body);
        });
    }

    /// A default sees the parameters before it, and so do sizes.
    pub(super) fn params(&mut self, params: &[Param], kind: Kind) {
        let mut seen = BTreeMap::new();
        for param in params {
            param.default.iter().for_each(|default| self.expr(default));
            param.ty.iter().for_each(|ty| self.binding_type(ty));
            match first_of(&mut seen, &param.name) {
                Some(first) => self.duplicate(&param.name, first),
                None => self.bind(&param.name, kind),
            }
        }
    }

    /// Parameters of the loss itself are members: they see its configuration, and its body sees them.
    fn loss(&mut self, def: &LossDef) {
        self.scoped(|c| {
            def.config.iter().for_each(|params| c.params(params, Kind::Parameter));
            c.scoped(|c| {
                c.bind_self(&def.name);
                let own = own_params(def);
                own.iter().for_each(|param| c.define(&param.name, Kind::Member("parameter")));
                own.iter().for_each(|param| c.initialised(&param.name, |c| c.variable(param)));
                c.scoped(|c| {
                    c.params(&def.params, Kind::Parameter);
                    c.result_type(def.ret.as_ref());
                    c.block(&def.body);
                });
            });
        });
    }

    pub(super) fn test(&mut self, def: &TestDef) {
        self.block(&def.body);
    }
}

/// The `param` statements at the top of a loss.
fn own_params<'a>(def: &'a LossDef) -> Vec<&'a VarDef> {
    let param = |kind: &'a StatementKind| if let StatementKind::Param(def) = kind { Some(def) } else { None };
    def.body.statements.iter().filter_map(|s| param(&s.kind)).collect()
}
