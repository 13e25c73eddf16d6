// After the person has logged out or withdrawn: nothing that they wrote stays on this device.

for (const key of Object.keys(localStorage)) {
  if (key.startsWith("sidepro:")) {
    localStorage.removeItem(key);
  }
}
