//! Members of modules and optimizers.

use vspec_syntax::ast::{ExprKind, Ident, Member, MemberKind, ModuleDef, OptimizerDef};

use super::Checker;
use super::scope::{Kind, pattern_names};

impl Checker<'_> {
    /// Members see each other and the static parameters; tests stand outside and see only `self`, the module.
    pub(super) fn module(&mut self, def: &ModuleDef) {
        self.members(&def.name, &def.params, &def.members);
        for member in &def.members {
            if let MemberKind::Test(test) = &member.kind {
                self.scoped(|c| {
                    c.bind_self(&def.name);
                    c.test(test);
                });
            }
        }
    }

    pub(super) fn optimizer(&mut self, def: &OptimizerDef) {
        self.members(&def.name, &def.params, &def.members);
    }

    fn members(&mut self, name: &Ident, params: &[vspec_syntax::ast::Param], members: &[Member]) {
        // Without methods a module only holds what others reach into.
        let has_methods = members.iter().any(|m| matches!(m.kind, MemberKind::Method(_)));
        self.scoped(|c| {
            c.params(params, Kind::Parameter);
            c.scoped(|c| {
                c.bind_self(name);
                members.iter().for_each(|member| c.define_member(&member.kind, has_methods));
                members.iter().for_each(|member| c.member(&member.kind));
            });
        });
    }

    /// `self` is the instance.
    pub(super) fn bind_self(&mut self, owner: &Ident) {
        self.bind(&Ident { name: "self".into(), span: owner.span }, Kind::Silent);
    }

    fn define_member(&mut self, member: &MemberKind, has_methods: bool) {
        let (name, kind) = match member {
            MemberKind::Child { name, .. } => (name, Kind::Member("member")),
            MemberKind::Param(def) => (&def.name, Kind::Member("parameter")),
            MemberKind::Const(def) => (&def.name, Kind::Member("constant")),
            MemberKind::State(def) => (&def.name, Kind::State),
            MemberKind::Method(def) => (&def.name, Kind::Silent),
            MemberKind::Let(def) => {
                for name in pattern_names(&def.pattern) {
                    self.warn_hiding(name);
                    self.define(name, Kind::Variable);
                }
                return;
            }
            MemberKind::Require(_) | MemberKind::Test(_) => return,
        };
        // `conv = Conv(..)` is what everybody calls it; calling `conv` can only mean the member.
        let child =
            matches!(member, MemberKind::Child { value, .. } if matches!(value.kind, ExprKind::Call(..)));
        if !child {
            self.warn_hiding(name);
        }
        self.define(name, if has_methods { kind } else { Kind::Silent });
    }

    fn member(&mut self, member: &MemberKind) {
        match member {
            MemberKind::Child { name, ty, value } => self.initialised(name, |c| {
                ty.iter().for_each(|ty| c.checked_type(ty));
                c.expr(value);
            }),
            MemberKind::Param(def) | MemberKind::State(def) | MemberKind::Const(def) => {
                self.initialised(&def.name, |c| c.variable(def));
            }
            MemberKind::Let(def) => {
                let names = pattern_names(&def.pattern);
                let Some(first) = names.first() else { return self.expr(&def.value) };
                self.initialised(first, |c| {
                    c.expr(&def.value);
                    def.ty.iter().for_each(|ty| c.checked_type(ty));
                });
            }
            MemberKind::Method(def) => self.function(def),
            MemberKind::Require(require) => self.require(require),
            MemberKind::Test(_) => {}
        }
    }

    /// Looks at the initial value of a member, where the member itself is not there yet.
    pub(super) fn initialised(&mut self, name: &Ident, body: impl FnOnce(&mut Self)) {
        let outer = self.own.replace(name.span);
        body(self);
        self.own = outer;
    }
}
