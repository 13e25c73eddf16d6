"""Tables and their migrations.

Importing any of it imports all modules of tables, so that the metadata is whole.
"""

from sidepro.adapters.sql.schema import chat_tables as chat_tables
from sidepro.adapters.sql.schema import mail_tables as mail_tables
from sidepro.adapters.sql.schema import moderation_tables as moderation_tables
from sidepro.adapters.sql.schema import notification_tables as notification_tables
from sidepro.adapters.sql.schema import tables as tables
