"""Roles, which administrators give."""

from uuid import UUID

import msgspec
from litestar import put
from litestar.params import JSONBody

from sidepro.api.dependencies import ApiRequest, caller_of
from sidepro.domain.errors import Forbidden
from sidepro.domain.identity import Role
from sidepro.domain.ids import UserId
from sidepro.http.path_ids import PathId
from sidepro.http.services import InjectedServices


class NewRole(msgspec.Struct, forbid_unknown_fields=True):
    """The role to give."""

    role: Role


class UserRole(msgspec.Struct):
    """The role of a user."""

    user_id: UUID
    role: Role


@put(
    "/moderation/users/{user_id:uuid}/role",
    opt={"problems": (Forbidden,)},
    summary="Give a user a role",
)
async def change_user_role(
    request: ApiRequest, user_id: PathId, data: JSONBody[NewRole], services: InjectedServices
) -> UserRole:
    """For administrators. Nobody changes their own role."""
    user = await services.roles.set_role(caller_of(request), UserId(user_id), data.role)
    return UserRole(user.id, user.role)


HANDLERS = (change_user_role,)
