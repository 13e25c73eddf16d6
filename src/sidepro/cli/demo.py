"""Demo data, for `sidepro seed` and `sidepro serve --demo`."""

from sidepro.adapters import system
from sidepro.adapters.sql.demo_writer import SqlDemoWriter
from sidepro.bootstrap import Container
from sidepro.cli.progress import progress_bar
from sidepro.demo import seeder
from sidepro.demo.generator import Sizes
from sidepro.demo.people import DEMO_EMAILS, DEMO_PASSWORD


async def seed_if_empty(container: Container, sizes: Sizes | None = None, seed: int = 1) -> bool:
    """Write demo data if there are no accounts, with a progress bar. Returns whether it did."""
    writer = SqlDemoWriter(container.database, container.catalogue)
    if not await writer.is_empty():
        return False
    with progress_bar("demo data") as show_progress:
        await seeder.seed(
            writer,
            container.api.services.images.store,
            sizes=sizes or Sizes(),
            seed=seed,
            catalogue=await container.api.services.catalogue.current(),
            now=system.clock(),
            hash_password=container.passwords.hash,
            render=container.markdown,
            progress=show_progress,
        )
    await container.trending.renew()
    return True


async def demo_accounts(container: Container) -> list[str]:
    """The demo accounts of the database, which may contain other data, with their password."""
    accounts = container.api.services.accounts
    return [
        f"{email}   password {DEMO_PASSWORD}"
        for email in DEMO_EMAILS
        if not (await accounts.availability(email, None))["email"]
    ]
