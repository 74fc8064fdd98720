# Packs the repository that is in this folder, and shows that nothing is lost.
set -euo pipefail
cd repository
git config pack.threads 1
git reset -q --hard
git gc --quiet --aggressive --prune=now
git fsck --full
git rev-list --all --objects | git cat-file --batch-check='%(objectname) %(objecttype) %(objectsize)'
git count-objects -v
git shortlog -sn HEAD
git blame folder1/file1
git clone -q . ../clone
git -C ../clone log --oneline --graph
