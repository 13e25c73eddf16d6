"""Texts of what a person sees and does about their own account."""

from sidepro.web.messages.groups.me import MeTexts

TEXTS = MeTexts(
    title="My page",
    public_page="How others see me",
    write_profile="Write my profile",
    write_profile_title="Write your profile",
    write_profile_hint=(
        "Choose the skills that you use, and we will recommend projects by people like you. "
        "It also tells others who you are when you ask for a coffee chat."
    ),
    edit_profile="Edit profile",
    profile_text="Your bio, skills and picture, as others see them.",
    settings="Settings",
    publish_first="Publish my first project",
    labels={
        "file": "Picture",
        "bio": "About me",
        "github_url": "GitHub address",
        "skills": "Skills",
        "region": "Region",
        "meet_time": "Good time to meet",
        "current_password": "Current password",
        "new_password": "New password",
        "password": "Password",
        "confirmed": "Confirmation",
        "email": "New email address",
        "username": "Name",
        "language": "Language of mails",
        "time_zone": "Time zone of mails",
    },
    picture_hint="PNG, JPEG, WebP or GIF, up to {size}",
    picture_kind="Pictures must be PNG, JPEG, WebP or GIF.",
    picture_size="Pictures can be up to {size}. Please choose a smaller one.",
    picture_chosen="Your picture is uploaded. Save to show it on your profile.",
    picture_preview="Preview of the chosen picture",
    remove_picture="Remove my current picture",
    bio_hint="What do you build, and who would you like to talk to?",
    github_hint="https://github.com/name",
    skills_hint="Choose at least one, and at most {max}.",
    not_chosen="Not chosen",
    save="Save",
    cancel="Cancel",
    images="My images",
    images_text="Images in your profile and projects. Unused ones are deleted after a day.",
    no_images="No images",
    no_images_hint="Your picture and the images of your projects appear here.",
    quota="{used} of {limit} used",
    quota_name="Image storage",
    image_of="Image from {date}",
    in_use="In use",
    delete_image="Delete the image from {date}",
    delete="Delete",
    sessions="Logged-in devices",
    sessions_text="If you do not recognise a device, log it out and change your password.",
    device="{program} on {system}",
    unknown_device="Unknown device",
    current="This device",
    started="Logged in",
    last_used="Last used",
    end_session="Log out {device}",
    end="Log out",
    end_others="Log out all other devices",
    end_all="Log out everywhere, here too",
    end_all_text="If you log out everywhere, you have to log in again on this device too.",
    account="Account",
    account_text="The email address that you log in with, your name, language and time zone.",
    email_address="Email address",
    unverified="{address} is not verified yet. Follow the link in the mail that we sent there.",
    send_again="Send the mail again",
    change_email="Change the email address",
    change_email_text=(
        "It changes once you follow the link in the mail to the new address. Your current address "
        "cancels a change."
    ),
    preferences="Name and language",
    username_hint="You can change it once in 30 days.",
    save_settings="Save",
    password="Change password",  # noqa: S106 - a heading
    password_text="This logs you out on all other devices.",  # noqa: S106 - a text
    new_password_hint="At least 8 characters. A long phrase is safer.",  # noqa: S106 - a hint
    change_password="Change",  # noqa: S106 - a button
    export="Download my data",
    export_text=(
        "Everything SidePro stores about you: your profile, projects, comments and messages, "
        "as a JSON file."
    ),
    withdraw="Close my account",
    withdraw_title="Close your account?",
    withdraw_text="Your account is deleted at once. This cannot be undone.",
    what_goes=(
        "Your profile and your images",
        "Your projects, with the comments on them",
        "Your comments on other projects, and your bookmarks",
        "Your sessions on all devices",
    ),
    what_stays=(
        "Your coffee chats stay with the other people, without your name. "
        "Download what you want to keep first."
    ),
    confirmed="I understand that this cannot be undone.",
    withdraw_button="Close my account",
)
