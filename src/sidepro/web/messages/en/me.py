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
