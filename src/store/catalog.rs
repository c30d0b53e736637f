//! What the services ask about roles, resources, actions and permissions.

use crate::domain::catalog::{Kind, Named, NamedPatch, NewNamed, Permission};
use crate::domain::error::Result;
use crate::domain::ids::{ActionId, PermissionId, ResourceId, RoleId, UserId};
use crate::domain::pages::Listing;
use crate::domain::rights::Right;

/// Fields that lists of roles, resources and actions can be ordered by.
pub const NAMED_ORDER: &[&str] = &["id", "name", "code_name"];
/// Fields that the list of permissions can be ordered by.
pub const PERMISSION_ORDER: &[&str] = &["id", "resource", "action"];

/// One step of the path user → role → permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePermission {
    /// The role.
    pub role: Named,
    /// What it gives.
    pub right: Right,
}

/// The lists, and the links between them.
pub trait Catalog {
    /// The thing with this id.
    fn named(&self, kind: Kind, id: i64) -> Result<Option<Named>>;
    /// The thing with this code name, exactly.
    fn named_by_code(&self, kind: Kind, code_name: &str) -> Result<Option<Named>>;
    /// The thing with this name, exactly.
    fn named_by_name(&self, kind: Kind, name: &str) -> Result<Option<Named>>;
    /// How many match.
    fn count_named(&self, kind: Kind, listing: &Listing) -> Result<u64>;
    /// Those that match. Searched: name, code name, description.
    fn list_named(&self, kind: Kind, listing: &Listing) -> Result<Vec<Named>>;
    /// All code names of a kind, for seeding and for "did you mean".
    fn code_names(&self, kind: Kind) -> Result<Vec<String>>;
    /// Adds one; name and code name must be free.
    fn insert_named(&self, kind: Kind, new: &NewNamed) -> Result<i64>;
    /// Changes one; false if there is none.
    fn update_named(&self, kind: Kind, id: i64, patch: &NamedPatch) -> Result<bool>;
    /// Deletes one with its links (and, for a resource or an action, its permissions); false if there was none.
    fn delete_named(&self, kind: Kind, id: i64) -> Result<bool>;

    /// The permission with this id.
    fn permission(&self, id: PermissionId) -> Result<Option<Permission>>;
    /// The permission of this pair.
    fn permission_of(&self, resource: ResourceId, action: ActionId) -> Result<Option<Permission>>;
    /// The permission of this pair of code names.
    fn permission_by_right(&self, right: &Right) -> Result<Option<Permission>>;
    /// How many match.
    fn count_permissions(&self, listing: &Listing) -> Result<u64>;
    /// Those that match. Searched: the code names of both sides.
    fn list_permissions(&self, listing: &Listing) -> Result<Vec<Permission>>;
    /// Adds the pair, which must be free.
    fn insert_permission(&self, resource: ResourceId, action: ActionId) -> Result<PermissionId>;
    /// Makes the permission another pair, which must be free; false if there is none.
    fn update_permission(&self, id: PermissionId, resource: ResourceId, action: ActionId) -> Result<bool>;
    /// Deletes the pair and takes it from every role; false if there was none.
    fn delete_permission(&self, id: PermissionId) -> Result<bool>;

    /// Permissions of a role, by id.
    fn permissions_of_role(&self, role: RoleId) -> Result<Vec<Permission>>;
    /// Gives a role a permission; false if it had it.
    fn allow(&self, role: RoleId, permission: PermissionId) -> Result<bool>;
    /// Takes a permission from a role; false if it did not have it.
    fn deny(&self, role: RoleId, permission: PermissionId) -> Result<bool>;

    /// Roles of a user, by id.
    fn roles_of_user(&self, user: UserId) -> Result<Vec<Named>>;
    /// Role ids of several users, for lists: pairs of user and role.
    fn roles_of_users(&self, users: &[UserId]) -> Result<Vec<(UserId, RoleId)>>;
    /// Users who have the role.
    fn count_members(&self, role: RoleId) -> Result<u64>;
    /// Gives a user a role; false if he had it.
    fn grant(&self, user: UserId, role: RoleId) -> Result<bool>;
    /// Takes a role from a user; false if he did not have it.
    fn revoke(&self, user: UserId, role: RoleId) -> Result<bool>;
    /// Every right that the user's roles give (not what being a superuser gives).
    fn rights_of_user(&self, user: UserId) -> Result<Vec<Right>>;
    /// Which of the user's roles give which right on a resource.
    fn role_permissions_of_user(&self, user: UserId, resource: &str) -> Result<Vec<RolePermission>>;
    /// Roles that would allow this right, for "what is missing".
    fn roles_allowing(&self, right: &Right) -> Result<Vec<Named>>;
}
